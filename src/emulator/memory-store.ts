/** Memory stores: texts at paths, each with the hash that updates are made conditional on (api.md §1.8). */
import { createHash } from 'node:crypto';
import { ApiError } from './api-error.ts';
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';

const MAX_BYTES = 102_400;
const MAX_MEMORIES = 2000;

export interface MemoryStoreOptions {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /** Where sessions see it; null (nowhere in particular) by default. */
  readonly mountPath?: string | undefined;
  /** Contents by path, such as `/notes/todo.md`. */
  readonly memories?: Readonly<Record<string, string>> | undefined;
}

export interface Memory {
  readonly id: string;
  path: string;
  content: string;
  sha256: string;
  versionId: string;
  readonly createdAt: string;
  updatedAt: string;
}

export class MemoryStore {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly mountPath: string | null;
  readonly createdAt: string;
  readonly #clock: Clock;
  readonly #memories = new Map<string, Memory>();

  constructor(options: MemoryStoreOptions, clock: Clock) {
    this.id = options.id ?? newId('memstore');
    this.name = options.name ?? 'memories';
    this.description = options.description ?? '';
    this.mountPath = options.mountPath ?? null;
    this.#clock = clock;
    this.createdAt = clock.stamp();
    for (const [path, content] of Object.entries(options.memories ?? {})) this.create(path, content);
  }

  /** In the order of their paths. */
  all(): Memory[] {
    return [...this.#memories.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** The memory, or the API's 404. */
  get(id: string): Memory {
    const memory = this.#memories.get(id);
    if (memory === undefined) throw new ApiError(404, `memory ${id} was not found in ${this.id}`);
    return memory;
  }

  create(path: string, content: string): Memory {
    checkPath(path);
    checkContent(content);
    this.#refuseConflict(path, undefined);
    if (this.#memories.size >= MAX_MEMORIES) {
      throw new ApiError(400, `a memory store has at most ${MAX_MEMORIES} memories`);
    }
    const now = this.#clock.stamp();
    const memory: Memory = {
      id: newId('mem'),
      path,
      content,
      sha256: sha256(content),
      versionId: newId('memver'),
      createdAt: now,
      updatedAt: now,
    };
    this.#memories.set(memory.id, memory);
    return memory;
  }

  /** @param expected the hash that the memory must have now. */
  update(id: string, change: { path?: string; content?: string }, expected: string | undefined): Memory {
    const memory = this.get(id);
    if (change.path !== undefined) checkPath(change.path);
    if (change.content !== undefined) checkContent(change.content);
    precondition(memory, expected);
    if (change.path !== undefined) {
      this.#refuseConflict(change.path, memory);
      memory.path = change.path;
    }
    if (change.content !== undefined) {
      memory.content = change.content;
      memory.sha256 = sha256(change.content);
    }
    memory.versionId = newId('memver');
    memory.updatedAt = this.#clock.stamp();
    return memory;
  }

  delete(id: string, expected: string | undefined): void {
    precondition(this.get(id), expected);
    this.#memories.delete(id);
  }

  /** A path is taken by a memory there, and by one where a directory would be. */
  #refuseConflict(path: string, self: Memory | undefined): void {
    const other = this.all().find(
      memory =>
        memory !== self &&
        (memory.path === path || memory.path.startsWith(`${path}/`) || path.startsWith(`${memory.path}/`)),
    );
    if (other === undefined) return;
    throw new ApiError(
      409,
      `path ${path} is taken by memory ${other.id}`,
      {},
      {
        type: 'memory_path_conflict_error',
        conflicting_memory_id: other.id,
        conflicting_path: other.path,
      },
    );
  }
}

/** A memory as the API shows it. */
export function memoryResource(store: MemoryStore, memory: Memory, view: 'basic' | 'full'): object {
  return {
    type: 'memory',
    id: memory.id,
    memory_store_id: store.id,
    memory_version_id: memory.versionId,
    path: memory.path,
    content: view === 'full' ? memory.content : null,
    content_sha256: memory.sha256,
    content_size_bytes: Buffer.byteLength(memory.content),
    created_at: memory.createdAt,
    updated_at: memory.updatedAt,
  };
}

function precondition(memory: Memory, expected: string | undefined): void {
  if (expected === undefined || expected === memory.sha256) return;
  throw new ApiError(
    409,
    `content_sha256 of memory ${memory.id} is not ${expected}`,
    {},
    {
      type: 'memory_precondition_failed_error',
    },
  );
}

function checkPath(path: string): void {
  const [first, ...segments] = path.split('/');
  const clean =
    first === '' &&
    segments.length >= 1 &&
    segments.length <= 20 &&
    segments.every(segment => segment !== '' && segment !== '.' && segment !== '..') &&
    !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(path) &&
    path.normalize('NFC') === path &&
    Buffer.byteLength(path) <= 1024;
  if (!clean) throw new ApiError(400, `path: ${JSON.stringify(path)} is not the path of a memory`);
}

function checkContent(content: string): void {
  const bytes = Buffer.byteLength(content);
  if (bytes > MAX_BYTES) throw new ApiError(413, `content: ${bytes} bytes are more than ${MAX_BYTES}`);
}

function sha256(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
