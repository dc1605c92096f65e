import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ToolHostClient } from '../../src/tool-host/client.ts';
import { callMark, folderName } from '../../src/tool-host/paths.ts';
import {
  FIXTURE_TOOLS,
  finish,
  linesOf,
  onlyCallFolder,
  request,
  textOf,
  until,
  untilFile,
  useHosts,
} from './hosts.ts';

const hosts = useHosts();

async function start(client: ToolHostClient, id: string, command: string): Promise<void> {
  const answer = await client.startOrAttach(id, request('bash', { command }, { waitMs: 0 }));
  expect(answer.kind).toBe('running');
}

describe('a call', () => {
  test('is run once and answered from the journal however often it is asked for', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const input = { command: 'echo once >> effects; wc -l < effects' };
    const first = await hosts.call(client, 'call_1', 'bash', input);
    expect(textOf(first)).toBe('1');
    expect(await hosts.call(client, 'call_1', 'bash', input)).toEqual(first);
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['once']);
  });

  test('that is asked for ten times at once starts once', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const asked = Array.from({ length: 10 }, () =>
      finish(client, 'call_1', request('bash', { command: 'echo once >> effects; sleep 0.2' })),
    );
    expect(new Set((await Promise.all(asked)).map(answer => JSON.stringify(answer))).size).toBe(1);
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['once']);
  });

  test('goes on when its caller leaves, and the next caller attaches to it', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const leaving = new AbortController();
    const command =
      'echo begun >> effects; until [ -e go ]; do sleep 0.05; done; echo ended >> effects; echo out';
    const left = client.startOrAttach(
      'call_1',
      request('bash', { command }, { waitMs: 60_000 }),
      leaving.signal,
    );
    await untilFile(join(opened.workspace, 'effects'));
    leaving.abort();
    await expect(left).rejects.toThrow('aborted');
    await writeFile(join(opened.workspace, 'go'), '');
    const again = hosts.client(opened);
    expect(textOf(await hosts.call(again, 'call_1', 'bash', { command }))).toBe('out');
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['begun', 'ended']);
  });

  test('is answered `running` with its output so far, which can be read while it runs', async () => {
    const client = hosts.client(await hosts.open());
    await start(client, 'call_1', 'echo first; echo second >&2; sleep 300');
    // The last line's end is held back: it may be the beginning of the shell's own marker.
    const log = await until('two lines of output', async () => {
      const answer = await client.log('call_1');
      const text = answer.kind === 'log' ? Buffer.from(answer.bytes).toString() : '';
      return text.includes('second') ? answer : undefined;
    });
    expect(log).toMatchObject({ kind: 'log', nextFrom: 'first\nsecond'.length });
    expect(await client.log('call_1', 6)).toMatchObject({ bytes: Buffer.from('second') });
    const running = await client.startOrAttach('call_1', request('bash', {}, { waitMs: 0 }));
    expect(running).toMatchObject({ kind: 'running', outputBytes: 'first\nsecond'.length });
    expect(await client.outcome('call_1')).toEqual({ kind: 'none' });
    await client.stop('call_1', 'test');
  });

  test('of a tool that is not served is refused and leaves no trace', async () => {
    const client = hosts.client(await hosts.open());
    const answer = await client.startOrAttach('call_1', request('deploy', {}));
    expect(answer).toMatchObject({ kind: 'refused', reason: expect.stringContaining('deploy') });
    expect(await client.outcome('call_1')).toEqual({ kind: 'none' });
  });

  test('of another incarnation is answered host-lost and touches nothing', async () => {
    const opened = await hosts.open();
    const other = hosts.client({ ...opened, incarnation: 'another' });
    const write = request('bash', { command: 'touch harm' });
    for (const answer of [
      await other.startOrAttach('call_1', write),
      await other.stop('call_1', 'test'),
      await other.outcome('call_1'),
      await other.log('call_1'),
      await other.close({ graceMs: 0, killRunning: true }),
    ]) {
      expect(answer).toMatchObject({ kind: 'host-lost', reason: expect.stringContaining('another') });
    }
    const client = hosts.client(opened);
    expect(textOf(await hosts.call(client, 'call_1', 'bash', { command: 'ls' }))).toBe('(no output)');
  });

  test.each(['../../escape', 'x'.repeat(300), 'a/b?c#d%e', 'näme \n "quoted"', '.', 'A', 'a'])(
    'with the hostile id %j is kept apart from every other',
    async id => {
      const opened = await hosts.open();
      const client = hosts.client(opened);
      const command = 'echo "$HOLDFAST_CALL"';
      expect(textOf(await hosts.call(client, id, 'bash', { command }))).toBe(callMark(id));
      expect(await client.outcome(`${id}x`)).toEqual({ kind: 'none' });
      expect(await onlyCallFolder(hosts)).toBe(join(hosts.paths().journal, 'calls', folderName(id)));
    },
  );

  test('whose outcome file is torn is not taken for ended, and its end is told as unknown', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    const command = 'echo once >> effects; echo said';
    await hosts.call(client, 'call_1', 'bash', { command });
    await writeFile(join(await onlyCallFolder(hosts), 'outcome.json'), '{"kind":"answered","isErr');
    const outcome = await hosts.call(client, 'call_1', 'bash', { command });
    expect(outcome).toMatchObject({ kind: 'unknown', evidence: { input: command, lastLines: ['said'] } });
    expect(await hosts.call(client, 'call_1', 'bash', { command })).toEqual(outcome);
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['once']);
  });

  test('whose start marker is damaged is not started again', async () => {
    const opened = await hosts.open();
    const client = hosts.client(opened);
    await hosts.call(client, 'call_1', 'bash', { command: 'echo once >> effects' });
    const folder = await onlyCallFolder(hosts);
    await rm(join(folder, 'outcome.json'));
    await writeFile(join(folder, 'started.json'), '');
    const outcome = await hosts.call(client, 'call_1', 'bash', { command: 'echo once >> effects' });
    expect(outcome).toMatchObject({ kind: 'unknown', reason: 'its record in the journal is damaged' });
    expect(await linesOf(join(opened.workspace, 'effects'))).toEqual(['once']);
  });

  test('that makes no sense is refused by the host and leaves no trace', async () => {
    const client = hosts.client(await hosts.open());
    const senseless = request('bash', {}, { timeoutMs: Number.NaN });
    await expect(client.startOrAttach('call_1', senseless)).rejects.toThrow('a call needs a name, timeoutMs');
    expect(textOf(await hosts.call(client, 'call_1', 'bash', { command: 'echo ok' }))).toBe('ok');
  });

  test('larger than the history may hold is answered as stored, and whole on demand', async () => {
    const opened = await hosts.open({ toolsModule: FIXTURE_TOOLS, limits: { storedAboveBytes: 1_000 } });
    const client = hosts.client(opened);
    const outcome = await hosts.call(client, 'call_1', 'return-huge', { bytes: 5_000 });
    expect(outcome).toMatchObject({ kind: 'stored', isError: false, bytes: expect.any(Number) });
    expect(await client.outcome('call_1')).toEqual({ kind: 'outcome', outcome });
    const whole = await client.outcome('call_1', { full: true });
    expect(whole).toMatchObject({
      kind: 'outcome',
      outcome: { kind: 'answered', content: [{ text: 'x'.repeat(5_000) }] },
    });
  });
});

test('no-op calls cost little (printed, not judged)', async () => {
  const client = hosts.client(await hosts.open({ toolsModule: FIXTURE_TOOLS }));
  const times: number[] = [];
  for (let index = 0; index < 50; index++) {
    const begun = performance.now();
    expect(textOf(await hosts.call(client, `call_${index}`, 'noop', {}))).toBe('done');
    times.push(performance.now() - begun);
  }
  times.sort((a, b) => a - b);
  console.log(`no-op call: p50 ${times[25]?.toFixed(2)} ms, p99 ${times[49]?.toFixed(2)} ms`);
});
