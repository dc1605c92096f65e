/** The memory stores of an emulator. */
import { ApiError } from './api-error.ts';
import type { Clock } from './clock.ts';
import { MemoryStore, type MemoryStoreOptions } from './memory-store.ts';

export class MemoryStores {
  readonly #clock: Clock;
  readonly #all = new Map<string, MemoryStore>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  create(options: MemoryStoreOptions): MemoryStore {
    const store = new MemoryStore(options, this.#clock);
    if (this.#all.has(store.id)) throw new ApiError(409, `memory store ${store.id} exists already`);
    this.#all.set(store.id, store);
    return store;
  }

  find(id: string): MemoryStore | undefined {
    return this.#all.get(id);
  }

  /** The store, or the API's 404. */
  get(id: string): MemoryStore {
    const store = this.#all.get(id);
    if (store === undefined) throw new ApiError(404, `memory store ${id} was not found`);
    return store;
  }
}
