/** The session object of the API: what a client may set, and how it reads (api.md §1.3). */
import { z } from 'zod';
import { ApiError } from './api-error.ts';
import { newId } from './ids.ts';
import type { MemoryStore } from './memory-store.ts';
import { usageOf } from './model-request.ts';
import { describe } from './posted-events.ts';
import type { NewEvent, Session } from './session.ts';

export interface AgentSnapshot {
  readonly id: string;
  readonly name: string;
  readonly [field: string]: unknown;
}

/** A memory store as a session sees it. */
export interface Attachment {
  readonly type: 'memory_store';
  readonly memory_store_id?: unknown;
  readonly access?: unknown;
  readonly [field: string]: unknown;
}

/** What a session carries beside its events. */
export interface SessionFields {
  readonly agent: AgentSnapshot;
  readonly environmentId: string;
  title: string | null;
  metadata: Record<string, string>;
  readonly resources: readonly Attachment[];
  readonly vaultIds: readonly string[];
  budget: unknown;
}

const metadataKey = z.string().min(1).max(64, 'key: maximum string length is 64');
const metadataValue = z.string().max(512, 'maximum string length is 512');
const metadata = z.record(metadataKey, metadataValue);

const createSchema = z.object({
  agent: z.union(
    [z.string(), z.looseObject({ id: z.string().optional() })],
    'agent is required: an id or an object',
  ),
  environment_id: z.string('environment_id is required'),
  title: z.string().nullish(),
  metadata: metadata.optional(),
  resources: z
    .array(
      z.looseObject({
        type: z.literal('memory_store', 'only memory_store can be used in a self_hosted environment'),
      }),
    )
    .optional(),
  vault_ids: z.array(z.string()).optional(),
  budget: z.looseObject({}).optional(),
});

/** Reads the body of `POST /v1/sessions`; events and the emulator's own field are read elsewhere. */
export function readCreate(
  body: unknown,
  memoryStore: (id: string) => MemoryStore | undefined,
): SessionFields {
  const parsed = createSchema.safeParse(body);
  if (!parsed.success) throw new ApiError(400, describe(parsed.error));
  const { agent, environment_id, title, resources, vault_ids, budget } = parsed.data;
  return {
    agent: snapshot(typeof agent === 'string' ? { id: agent } : agent),
    environmentId: environment_id,
    title: title ?? null,
    metadata: checkedMetadata(parsed.data.metadata ?? {}),
    resources: (resources ?? []).map(resource => attached(resource, memoryStore)),
    vaultIds: vault_ids ?? [],
    budget: budget ?? null,
  };
}

/** Sets the keys that have a value, and deletes those that are null. */
export const metadataPatch = z.record(metadataKey, metadataValue.nullable()).nullish();

/** A store's name, description and place are read when it is attached, and stay. */
function attached(resource: Attachment, memoryStore: (id: string) => MemoryStore | undefined): Attachment {
  const store = memoryStore(String(resource.memory_store_id));
  if (store === undefined) return resource;
  const { name, description, mountPath } = store;
  return { access: 'read_write', name, description, mount_path: mountPath, ...resource };
}

/** The memory store of that id as it is attached to the session. */
export function attachmentOf(session: Session, storeId: string): Attachment | undefined {
  return session.fields.resources.find(({ memory_store_id }) => memory_store_id === storeId);
}

const updateSchema = z.object({
  title: z.string().nullish(),
  metadata: metadataPatch,
  budget: z.looseObject({}).nullish(),
  vault_ids: z.undefined('not yet supported').optional(),
});

/** Applies the body of `POST /v1/sessions/{id}`; what changed is told by a `session.updated`. */
export function applyUpdate(session: Session, body: unknown): void {
  const parsed = updateSchema.safeParse(body);
  if (!parsed.success) throw new ApiError(400, describe(parsed.error));
  const { title, metadata, budget } = parsed.data;
  const changes: Record<string, unknown> = {};
  if (metadata !== undefined && metadata !== null) {
    session.fields.metadata = checkedMetadata(patched(session.fields.metadata, metadata));
    changes.metadata = session.fields.metadata;
  }
  if (title !== undefined && title !== session.fields.title) changes.title = session.fields.title = title;
  if (budget !== undefined) {
    if (session.fields.budget === null && budget !== null) {
      throw new ApiError(
        400,
        'budget: a budget cannot be added to a session created without one (budget_create_only)',
      );
    }
    changes.budget = session.fields.budget = budget;
  }
  if (Object.keys(changes).length === 0) return;
  session.emit({ type: 'session.updated', ...changes } satisfies NewEvent);
  if (budget !== undefined && session.budgetReached) {
    session.budgetReached = false;
    if (session.turn.canBegin) session.turn.begin([]);
  }
}

/** The session as `GET /v1/sessions/{id}` returns it. */
export function resourceOf(session: Session): Record<string, unknown> {
  const { fields } = session;
  return {
    id: session.id,
    type: 'session',
    status: session.status,
    agent: fields.agent,
    environment_id: fields.environmentId,
    title: fields.title,
    metadata: fields.metadata,
    resources: fields.resources,
    vault_ids: fields.vaultIds,
    budget: fields.budget,
    outcome_evaluations: [],
    stats: { duration_seconds: (Date.parse(session.updatedAt) - Date.parse(session.createdAt)) / 1000 },
    usage: usageOf(session),
    created_at: session.createdAt,
    updated_at: session.updatedAt,
    archived_at: session.archivedAt,
  };
}

export function patched(
  metadata: Readonly<Record<string, string>>,
  patch: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const merged = Object.entries({ ...metadata, ...patch });
  return Object.fromEntries(merged.filter((pair): pair is [string, string] => pair[1] !== null));
}

/** The metadata, or the 400 of what has too many pairs. */
export function checkedMetadata(metadata: Record<string, string>): Record<string, string> {
  if (Object.keys(metadata).length > 16) throw new ApiError(400, 'metadata: maximum of 16 pairs');
  return metadata;
}

function snapshot(given: {
  readonly id?: string | undefined;
  readonly [field: string]: unknown;
}): AgentSnapshot {
  return {
    type: 'agent',
    version: 1,
    name: 'emulated-agent',
    description: null,
    system: null,
    model: { id: 'emulated-model' },
    tools: [{ type: 'agent_toolset_20260401' }],
    mcp_servers: [],
    skills: [],
    multiagent: null,
    execution_identity: { type: 'service_account' },
    ...given,
    id: given.id ?? newId('agent'),
  };
}
