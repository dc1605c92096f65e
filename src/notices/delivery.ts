/** What came of one try at telling people on duty. */
export type NoticeDelivery =
  | { readonly kind: 'taken' }
  /** Worth another try. `reason` holds neither an address's path nor a credential (I9). */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs?: number };
