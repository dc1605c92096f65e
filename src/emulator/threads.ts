/** The threads of a session: the primary one and the children that a script starts (api.md §1.7). */
import { newId } from './ids.ts';

export interface Thread {
  readonly id: string;
  readonly agentName: string;
  readonly parentId: string | null;
  readonly createdAt: string;
  status: 'running' | 'idle' | 'terminated';
}

export class Threads {
  readonly primary: Thread;
  readonly #byId = new Map<string, Thread>();

  constructor(agentName: string, createdAt: string) {
    this.primary = { id: newId('sthr'), agentName, parentId: null, createdAt, status: 'idle' };
    this.#byId.set(this.primary.id, this.primary);
  }

  /** Adds a child; a child is idle until its first act. */
  add(agentName: string, createdAt: string): Thread {
    const thread: Thread = {
      id: newId('sthr'),
      agentName,
      parentId: this.primary.id,
      createdAt,
      status: 'idle',
    };
    this.#byId.set(thread.id, thread);
    return thread;
  }

  get(id: string): Thread | undefined {
    return this.#byId.get(id);
  }

  /** The live child of that name. */
  named(agentName: string): Thread | undefined {
    return this.children().find(thread => thread.agentName === agentName && thread.status !== 'terminated');
  }

  children(): Thread[] {
    return this.all().filter(thread => thread !== this.primary);
  }

  all(): Thread[] {
    return [...this.#byId.values()];
  }
}
