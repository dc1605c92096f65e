/** What an emulator can begin with, as JSON: environments, skills, memory stores and sessions. */
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import type { EnvironmentOptions } from './environments.ts';
import type { ApiParts } from './http.ts';
import { newId } from './ids.ts';
import type { MemoryStoreOptions } from './memory-store.ts';
import { describe } from './posted-events.ts';
import type { SkillOptions } from './skills.ts';

const id = z.string().min(1).optional();
const ms = z.number().min(0);

export const environmentSchema = z.strictObject({
  id,
  keys: z.array(z.string().min(1)).optional(),
  lease_ttl_ms: z.number().min(1).optional(),
  requeue_delay_ms: ms.optional(),
  token_ttl_ms: ms.optional(),
});
export const skillSchema = z.strictObject({
  id,
  name: z.string().min(1),
  description: z.string().optional(),
  files: z.record(z.string(), z.string()).optional(),
  executable: z.array(z.string()).optional(),
  format: z.enum(['zip', 'tar']).optional(),
  archive_base64: z.base64().optional(),
});
export const memoryStoreSchema = z.strictObject({
  id,
  name: z.string().min(1).optional(),
  description: z.string().optional(),
  mount_path: z.string().optional(),
  memories: z.record(z.string(), z.string()).optional(),
});

const seedSchema = z.strictObject({
  /** `healthchecks`: how many such items are queued. */
  environments: z
    .array(environmentSchema.extend({ healthchecks: z.int().min(0).max(1000).default(0) }))
    .default([]),
  skills: z.array(skillSchema).default([]),
  memory_stores: z.array(memoryStoreSchema).default([]),
  /** Bodies of `POST /_emulator/sessions`. */
  sessions: z.array(z.record(z.string(), z.unknown())).default([]),
});

export type Seed = z.output<typeof seedSchema>;

/** Reads a seed; throws an Error that names the first thing wrong with it. */
export function readSeed(json: unknown): Seed {
  const parsed = seedSchema.safeParse(json);
  if (!parsed.success) throw new Error(describe(parsed.error));
  return parsed.data;
}

/** Makes all of it; throws an Error that names what the emulator refuses. */
export function sow(parts: ApiParts, seed: Seed): void {
  const { environments, skills, memories, sessions } = parts;
  for (const { healthchecks, ...declared } of seed.environments) {
    const { queue } = environments.create(environmentOptions(declared));
    for (let i = 0; i < healthchecks; i++) queue.enqueue({ type: 'healthcheck', id: newId('hc') });
  }
  for (const skill of seed.skills) skills.add(skillOptions(skill));
  for (const store of seed.memory_stores) memories.create(memoryStoreOptions(store));
  seed.sessions.forEach((body, i) => {
    try {
      sessions.create(sessionBody(body));
    } catch (error) {
      throw error instanceof ApiError ? new Error(`sessions.${i}: ${error.message}`) : error;
    }
  });
}

/**
 * The body of `POST /v1/sessions` for one in which nothing is required; `message` is short for a first message,
 * `script` for the script of that name.
 */
export function sessionBody(body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { message, script, ...rest } = body;
  return {
    agent: { name: 'emulated-agent' },
    environment_id: 'env_emulator',
    ...(typeof message === 'string' && {
      initial_events: [{ type: 'user.message', content: [{ type: 'text', text: message }] }],
    }),
    ...rest,
    ...(script !== undefined && { _emulator: { ...(rest._emulator as object | undefined), script } }),
  };
}

export function environmentOptions(given: z.output<typeof environmentSchema>): EnvironmentOptions {
  const { id, keys, lease_ttl_ms, requeue_delay_ms, token_ttl_ms } = given;
  return {
    id,
    keys,
    leaseTtlMs: lease_ttl_ms,
    requeueDelayMs: requeue_delay_ms,
    tokenTtlMs: token_ttl_ms,
  };
}

export function skillOptions({ archive_base64, ...skill }: z.output<typeof skillSchema>): SkillOptions {
  return archive_base64 === undefined ? skill : { ...skill, archive: Buffer.from(archive_base64, 'base64') };
}

export function memoryStoreOptions({
  mount_path,
  ...store
}: z.output<typeof memoryStoreSchema>): MemoryStoreOptions {
  return { ...store, mountPath: mount_path };
}
