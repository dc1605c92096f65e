/** What somebody is told to come back after, at most. */
const LATEST_MS = 60_000;
const SOONEST_MS = 200;

/** No request was made: the budget has none left for it within reasonable time. */
export class BudgetExhausted extends Error {
  override readonly name = 'BudgetExhausted';
  readonly retryAfterMs: number;

  /** @param waitMs until its turn would come, as far as can be told. */
  constructor(kind: string, perMinute: number, waitMs: number) {
    super(`the request budget is spent (${Math.round(perMinute)} ${kind} requests a minute)`);
    // Spread, so that those who were sent away together do not come back together.
    const spread = 1 + Math.random() / 4;
    this.retryAfterMs = Math.ceil(Math.min(LATEST_MS, Math.max(SOONEST_MS, waitMs)) * spread);
  }
}
