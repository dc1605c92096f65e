/** A free port below 32,768: Temporal's servers keep theirs in a column of PostgreSQL that holds no more. */
import { isPortFree } from '../../src/dev/free-port.ts';

const FROM = 20_000;
const TO = 32_000;

export async function lowPort(host: string): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
    if (await isPortFree(host, port)) return port;
  }
  throw new Error(`no free port from ${FROM} to ${TO} on ${host}`);
}
