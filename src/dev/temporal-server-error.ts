export type TemporalServerFault =
  | 'unavailable'
  | 'port-in-use'
  | 'folder-in-use'
  | 'folder-unusable'
  | 'not-started';

/** A Temporal server cannot be provided as asked for. The message is for a person: it says what to do. */
export class TemporalServerError extends Error {
  readonly fault: TemporalServerFault;

  constructor(fault: TemporalServerFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TemporalServerError';
    this.fault = fault;
  }
}
