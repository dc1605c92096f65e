import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CallOutput, OUTPUT_BYTES, readCallOutput } from '../../src/tool-host/call-output.ts';
import { hostId } from '../../src/tool-host/host-id.ts';
import { createJournal, Journal } from '../../src/tool-host/journal.ts';
import { OutputLog } from '../../src/tool-host/output-log.ts';
import { sessionPaths } from '../../src/tool-host/paths.ts';

const SESSION = 'sesn_1';
let stateDir: string;
let host: string;
let journal: Journal;
let made = 0;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'hf-output-'));
  host = await hostId(stateDir);
  const folder = sessionPaths(stateDir, SESSION).journal;
  await mkdir(join(folder, '..'), { recursive: true });
  await createJournal(folder, { incarnation: 'a', sessionId: SESSION, createdAt: 1 });
  journal = new Journal(folder, { storedAboveBytes: 1_000 });
});
afterAll(() => rm(stateDir, { recursive: true, force: true }));

/** A call that has begun, and its log as the tool host writes it. */
async function begun(limit = 1_000_000): Promise<{ id: string; log: OutputLog; end(): Promise<unknown> }> {
  const id = `sevt_${++made}`;
  await journal.claim(id);
  const log = new OutputLog(journal.logPath(id), limit);
  const ended = {
    kind: 'answered',
    isError: false,
    content: [],
    startedAt: 1,
    finishedAt: 2,
    starts: 1,
  } as const;
  return { id, log, end: () => journal.recordOutcome(id, ended) };
}

function read(callId: string, more: { from?: number; limit?: number; host?: string | null } = {}) {
  return readCallOutput({ stateDir, sessionId: SESSION, callId, host, ...more });
}

async function text(
  callId: string,
  more: Parameters<typeof read>[1] = {},
): Promise<Extract<CallOutput, { kind: 'output' }>> {
  const output = await read(callId, more);
  if (output.kind !== 'output') throw new Error(output.reason);
  return output;
}

/** Reads as a follower does, with so many bytes at a time. */
async function whole(id: string, limit: number): Promise<string[]> {
  const parts: string[] = [];
  for (let from = 0; ; ) {
    const part = await text(id, { from, limit });
    parts.push(part.text);
    if (part.next === from) return parts;
    from = part.next;
  }
}

describe('the output of a call', () => {
  it('can be read while its tool writes, from where the last answer ended, until the call has ended', async () => {
    const call = await begun();
    expect(await text(call.id)).toMatchObject({ text: '', complete: false });
    call.log.append('one\ntwo');
    const first = await text(call.id);
    expect(first).toEqual({ kind: 'output', text: 'one\ntwo', from: 0, next: 7, bytes: 7, complete: false });
    call.log.append(' and three\n');
    await call.end();
    expect(await text(call.id, { from: first.next })).toMatchObject({ text: ' and three\n', complete: true });
    expect(await text(call.id, { from: 100_000 })).toMatchObject({ text: '', next: 18, complete: true });
    expect(await text(call.id, { from: -6 })).toMatchObject({ text: 'three\n', from: 12 });
  });

  it('never comes with half a character, at whatever byte it is cut', async () => {
    const call = await begun();
    const said = 'aé€😀'.repeat(20);
    for (const byte of Buffer.from(said)) {
      await appendFile(journal.logPath(call.id), Buffer.from([byte]));
      expect(said.startsWith((await text(call.id)).text)).toBe(true);
    }
    for (const limit of [16, 17, 18, 19]) expect((await whole(call.id, limit)).join('')).toBe(said);
    for (let from = 0; from < 12; from++)
      expect(said.endsWith((await text(call.id, { from })).text)).toBe(true);
  });

  it('comes in whole lines where more is there than an answer holds, and in bounded answers', async () => {
    const call = await begun();
    call.log.append('line of some length\n'.repeat(5));
    expect(new Set((await whole(call.id, 50)).slice(0, -1))).toEqual(
      new Set(['line of some length\n'.repeat(2), 'line of some length\n']),
    );
    call.log.append('x'.repeat(OUTPUT_BYTES * 2));
    expect((await text(call.id, { limit: 10 ** 9 })).next).toBeLessThanOrEqual(OUTPUT_BYTES);
  });

  it('cannot steer a terminal: escape sequences, control and direction characters are taken out', async () => {
    const call = await begun();
    call.log.append(
      '\u001b[31mred\u001b[0m \u001b]0;title\u0007\u202eback\u0000\u0008 10 %\r20 %\r\ntab\tend',
    );
    expect((await text(call.id)).text).toBe('red back 10 %\n20 %\ntab\tend');
  });

  it('of broken UTF-8 is shown once it cannot become a character any more', async () => {
    const call = await begun();
    call.log.append(Buffer.from([0x61, 0xe2, 0x82]));
    expect((await text(call.id)).text).toBe('a');
    await call.end();
    expect(await text(call.id)).toMatchObject({ text: 'a\ufffd', complete: true });
  });

  it('says itself that the rest is not kept', async () => {
    const call = await begun(10);
    call.log.append('0123456789abc');
    expect((await text(call.id)).text).toBe('0123456789\n[output beyond 10 bytes is not kept]\n');
  });

  it('is empty for a tool that wrote nothing', async () => {
    const call = await begun();
    await call.end();
    expect(await text(call.id)).toMatchObject({ text: '', bytes: 0, complete: true });
  });
});

describe('what cannot be read is told plainly', () => {
  it('the session’s host is another machine', async () => {
    const told = await read('sevt_1', { host: 'feedfeedfeed' });
    expect(told).toMatchObject({ kind: 'other-host' });
    expect(JSON.stringify(told)).toContain(`host id feedfeedfeed, and this one is ${host}`);
    const empty = { stateDir: join(stateDir, 'none'), sessionId: SESSION, callId: 'c', host };
    expect(await readCallOutput(empty)).toMatchObject({ kind: 'other-host' });
  });

  it('there is no such call, or it has not started', async () => {
    expect(await read('sevt_none')).toEqual({
      kind: 'no-call',
      reason: 'sevt_none has not been started on this machine, so it has no output',
    });
  });

  it('the journal was removed, or there is none yet', async () => {
    const other = { stateDir, sessionId: 'sesn_2', callId: 'c' };
    const removed = await readCallOutput({ ...other, host });
    expect(removed).toMatchObject({ kind: 'no-journal' });
    expect(JSON.stringify(removed)).toContain('any more: it goes with its workspace (HOLDFAST_KEEP)');
    const none = await readCallOutput({ ...other, host: null });
    expect(none).toEqual({ kind: 'no-journal', reason: 'no tool of sesn_2 has been started yet' });
  });

  it('the file cannot be read', async () => {
    const call = await begun();
    await mkdir(journal.logPath(call.id));
    expect(await read(call.id)).toMatchObject({ kind: 'unreadable' });
  });
});
