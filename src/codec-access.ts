/**
 * Who may have payloads decrypted: whoever shows the token, as `Authorization: Bearer …` (Temporal's CLI) or by the
 * cookie that the sign-in page sets (Temporal's UI, which sends no header of its own). Without a token only this
 * machine may ask, by a name of this machine: a page that had its own name point here is refused.
 */
import { createHmac } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { isSameSecret } from './same-secret.ts';

export interface CodecAccess {
  /** Undefined: none is asked for. */
  readonly token: string | undefined;
  /** Pages that may ask, `http://127.0.0.1:8233`. */
  readonly origins: readonly string[];
  /** A line per refusal. */
  readonly log: (line: string) => void;
}

const COOKIE = 'holdfast_codec';
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.includes(':') ? `[${host}]` : host);
}

export function onlyAllowed({ token, origins, log }: CodecAccess): MiddlewareHandler {
  const refuse = (c: Context, status: 401 | 403, line: string) => {
    log(`${status} refused: ${line}`);
    return c.json({ error: line }, status);
  };
  return async (c, next) => {
    const origin = c.req.header('origin');
    if (origin !== undefined && !origins.includes(origin))
      return refuse(c, 403, `the page ${origin} may not ask: allow it with --ui`);
    if (token === undefined) {
      const host = c.req.header('host') ?? '';
      if (!LOOPBACK.test(host))
        return refuse(c, 403, `it was asked for as ${host}, which is not this machine`);
    } else if (!showsToken(c, token))
      return refuse(c, 401, 'no token, or another one: see HOLDFAST_CODEC_TOKEN');
    return next();
  };
}

/** Whether the request comes from whoever has the token. */
export function showsToken(c: Context, token: string): boolean {
  const [, bearer] = /^Bearer +(\S+)$/i.exec(c.req.header('authorization') ?? '') ?? [];
  if (bearer !== undefined) return isSameSecret(bearer, token);
  return isSameSecret(getCookie(c, COOKIE) ?? '', cookieOf(token));
}

/** @returns whether it was the token; then the browser has its cookie. */
export function signIn(c: Context, given: string, token: string): boolean {
  if (!isSameSecret(given, token)) return false;
  // Behind TLS the UI may be another site; the origin is checked with each request.
  const secure = c.req.header('x-forwarded-proto') === 'https';
  setCookie(c, COOKIE, cookieOf(token), {
    httpOnly: true,
    secure,
    sameSite: secure ? 'None' : 'Strict',
    maxAge: 86_400,
  });
  return true;
}

/** A stolen cookie does not tell the token. */
function cookieOf(token: string): string {
  return createHmac('sha256', token).update('holdfast codec cookie').digest('base64url');
}
