/** A worker that cannot start; the message says why and what to do. `usage`: it is the caller's to mend. */
export class WorkerError extends Error {
  override name = 'WorkerError';
  readonly usage: boolean;
  constructor(message: string, usage: boolean) {
    super(message);
    this.usage = usage;
  }
}
