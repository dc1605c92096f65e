/** Environment of a program we start; the caller's `process.env` comes in as a value (only config.ts reads it). */
export type Env = Readonly<Record<string, string | undefined>>;

const serverNames = new Set([
  'PATH',
  'HOME',
  'USER',
  'TMPDIR',
  'TZ',
  'LANG',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
]);

/**
 * For the Temporal server: nothing it has no use for. Keys in its environment could be read by every tool that runs
 * under the same user (I9), and the CLI would take TEMPORAL_* for its own flags.
 */
export function serverEnv(env: Env): Env {
  return Object.fromEntries(Object.entries(env).filter(([name]) => serverNames.has(name)));
}

/** For `go` and for the download: proxies, caches and certificates pass, our own and the API's variables do not (I9). */
export function makerEnv(env: Env): Env {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(ANTHROPIC|HOLDFAST|TEMPORAL)_/.test(name)),
  );
}
