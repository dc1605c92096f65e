/** What a work item's `secret` holds (api.md §1.1). Never log it, nor anything taken from it (I9). */

/**
 * The sessions token of a `secret`: URL-safe base64, padded or not, of JSON with `sessions_token`.
 *
 * @returns null where there is none, as the SDK's `sessionsTokenFromSecret`: the environment key is used then.
 */
export function sessionsTokenFromSecret(secret: string | null | undefined): string | null {
  if (typeof secret !== 'string' || secret === '') return null;
  // Node's own decoder skips what is not base64, which would make a token of garbage.
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(secret)) return null;
  let payload: unknown;
  try {
    payload = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(secret, 'base64')));
  } catch {
    return null;
  }
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return null;
  const { sessions_token: token } = payload as { sessions_token?: unknown };
  return typeof token === 'string' && token !== '' ? token : null;
}
