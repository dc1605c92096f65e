/**
 * Who may do what with the console. It answers on loopback, which is no protection by itself: any page in the same
 * browser can send requests there, under a name of its own (DNS rebinding) or with the cookies of this one (CSRF).
 * So a request's Host must be an address or `localhost`; an answer needs the token's cookie, a form that we have
 * rendered, and the browser's word that it came from our own page.
 */
import { createHash, createHmac } from 'node:crypto';
import { isIP } from 'node:net';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { secureHeaders } from 'hono/secure-headers';
import { isSameSecret } from '../same-secret.ts';

export interface AccessOptions {
  readonly token: string;
  /** Whether reading needs the token, too. */
  readonly readsNeedToken: boolean;
  /** Names under which it may be asked besides addresses and `localhost`. */
  readonly names?: readonly string[];
}

export interface Access {
  readonly readsNeedToken: boolean;
  /** Stands in every form; only a page that was rendered for the token's holder has it. */
  readonly formToken: string;
  /** Whether the request brings the token's cookie. */
  holdsToken(c: Context): boolean;
  /** The token in the address becomes a cookie, and leaves the address. */
  takeToken(c: Context): Response | undefined;
  /** Why the request must not be answered under the name that it was sent to; undefined: it may. */
  wrongHost(c: Context): string | undefined;
  /** Why the request must not change anything; undefined: it may. @param formToken as it came with the form. */
  refusal(c: Context, formToken: unknown): string | undefined;
}

export function createAccess({ token, readsNeedToken, names = [] }: AccessOptions): Access {
  const derived = (use: string) => createHmac('sha256', token).update(use).digest('base64url');
  // Cookies know no ports: consoles of one machine must not overwrite each other's.
  const cookie = `holdfast-${createHash('sha256').update(token).digest('hex').slice(0, 12)}`;
  const cookieValue = derived('cookie');
  const formToken = derived('form');

  const holdsToken = (c: Context) => isSameSecret(getCookie(c, cookie), cookieValue);
  return {
    readsNeedToken,
    formToken,
    holdsToken,
    takeToken(c) {
      const given = c.req.query('token');
      if (given === undefined || c.req.method !== 'GET') return undefined;
      if (!isSameSecret(given, token))
        return c.text(
          'That token is not (or no longer) the one of this console: it printed a new URL.\n',
          403,
        );
      setCookie(c, cookie, cookieValue, { httpOnly: true, sameSite: 'Strict', path: '/' });
      const url = new URL(c.req.url);
      url.searchParams.delete('token');
      // Two slashes at the start would name another server.
      return c.redirect(url.pathname.replace(/^\/+/, '/') + url.search, 303);
    },
    wrongHost(c) {
      const host = c.req.header('host') ?? '';
      const name = hostname(host);
      if (name === 'localhost' || isIP(name) !== 0 || names.includes(name)) return undefined;
      return 'This console answers under an IP address or localhost only, so that no web page can reach it by a name of its own.';
    },
    refusal(c, form) {
      if (!holdsToken(c))
        return 'Read-only without its token: open the URL that the console printed at its start.';
      const site = c.req.header('sec-fetch-site');
      const origin = c.req.header('origin');
      const own =
        origin !== undefined && URL.canParse(origin) && new URL(origin).host === c.req.header('host');
      if (!own || (site !== undefined && site !== 'same-origin'))
        return 'This did not come from a page of the console.';
      return isSameSecret(form, formToken)
        ? undefined
        : 'This form is of another console: load the page again.';
    },
  };
}

function hostname(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/** No script, style or frame but our own files; nothing is kept by anybody. */
export function guardHeaders(): MiddlewareHandler {
  const own = ["'self'"];
  const none = ["'none'"];
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: none,
      scriptSrc: own,
      styleSrc: own,
      imgSrc: own,
      connectSrc: own,
      formAction: own,
      baseUri: none,
      frameAncestors: none,
      objectSrc: none,
    },
    // With `no-referrer` a browser sends no Origin with a form either.
    referrerPolicy: 'same-origin',
    xFrameOptions: 'DENY',
    strictTransportSecurity: false,
  });
}
