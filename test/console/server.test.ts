/** The console on a real port. */
import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Console, startConsole } from '../../src/console/server.ts';
import type { ConsoleSource } from '../../src/console/source.ts';
import { until } from '../support/until.ts';
import { held } from './pages.ts';

const open: Console[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

interface Shown {
  calls: ReturnType<typeof held>[];
}

async function started(shown: Shown = { calls: [] }, port = 0): Promise<Console> {
  const source: ConsoleSource = {
    sessions: async () => ({ rows: [], more: false, counts: {} }),
    session: async () => undefined,
    held: async () => ({ calls: shown.calls, unanswered: [] }),
    heldOf: async () => shown.calls,
    waiting: async () => shown.calls.length,
    answer: async () => ({ kind: 'accepted' }),
    output: async () => ({ kind: 'no-call', reason: 'none' }),
    thisHost: async () => undefined,
  };
  const made = await startConsole({
    ...{ source, host: '127.0.0.1', port, token: undefined, readsNeedToken: false },
    ...{ temporal: 'nowhere', defaultName: 'tester' },
  });
  open.push(made);
  return made;
}

/** Node's `fetch` sets Host by itself. */
function statusAs(host: string, { port }: Console): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/approvals', headers: { host } }, answer => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('the server', () => {
  it('has a new token at each start, which opens it', async () => {
    const [a, b] = [await started(), await started()];
    const token = (url: string) => new URL(url).searchParams.get('token');
    expect(token(a.urlWithToken)).toMatch(/^[\w-]{32}$/);
    expect(token(a.urlWithToken)).not.toBe(token(b.urlWithToken));
    const answer = await fetch(a.urlWithToken, { redirect: 'manual' });
    expect(answer.status).toBe(303);
    expect((await fetch(`${b.url}?token=${token(a.urlWithToken)}`)).status).toBe(403);
  });

  it('does not answer under a name that a web page can have', async () => {
    const shown = await started();
    expect(await statusAs(`rebound.example:${shown.port}`, shown)).toBe(421);
    expect(await statusAs(`127.0.0.1:${shown.port}`, shown)).toBe(200);
  });

  it('refuses a taken port with the code of it', async () => {
    const { port } = await started();
    await expect(started({ calls: [] }, port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('sends a page again when it has changed, only then, and ends with the server', async () => {
    const shown: Shown = { calls: [] };
    const server = await started(shown);
    const answer = await fetch(`${server.url}approvals`, { headers: { accept: 'text/event-stream' } });
    let said = '';
    const read = (async () => {
      for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) said += chunk;
    })().catch(() => undefined);
    const events = () =>
      [...said.matchAll(/^data: (\{.*\})$/gm)].map(
        ([, data]) => JSON.parse(data ?? '') as { main: string; held: number },
      );
    await until('the page comes', () => events().length === 1);
    shown.calls = [held({ since: new Date().toISOString() })];
    await until('the held call comes', () => events().at(-1)?.main.includes('rm -rf build') === true);
    expect(events().at(-1)?.held).toBe(1);
    await open.pop()?.close();
    await read;
  });

  it('serves its own files, and no others', async () => {
    const { url } = await started();
    for (const name of ['theme.css', 'timeline.css', 'console.js', 'keys.js', 'icon.svg'])
      expect((await fetch(`${url}assets/${name}`)).status).toBe(200);
    for (const path of [
      'assets/..%2fserver.ts',
      'assets/%2e%2e/app.ts',
      'assets/constructor',
      'assets/package.json',
    ])
      expect((await fetch(url + path)).status).toBe(404);
  });
});
