/** Whole payloads encrypted (docs/encryption.md): who reads what, keys that change in mid-session, Temporal's own tools. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { describe, expect, it } from 'vitest';
import { heldCallsOf } from '../../src/client.ts';
import { findTemporal } from '../../src/dev/temporal-finder.ts';
import type { Finding } from '../../src/doctor/finding.ts';
import { keyOf } from '../../src/key-ring.ts';
import type { JsonPayload } from '../../src/payload-json.ts';
import { findOptionsForTests } from '../support/temporal-options.ts';
import { textsOf } from './support/answers.ts';
import { eventually } from './support/eventually.ts';
import { failure } from './support/failing.ts';
import { type World, world } from './support/world.ts';

const newKey = () => randomBytes(32).toString('hex');
const idOf = (key: string) => keyOf(Buffer.from(key, 'hex')).id;
/** Stands in what agents did: whoever reads it has read a payload. */
const PLANTED = 'planted-words';

/** All that the server has of a session, as JSON: its history, its description, its row in the list. */
async function storedOf(w: World, id: string): Promise<{ history: string; all: string }> {
  const plain = new Client({ connection: w.client.connection, namespace: w.client.options.namespace });
  const history = historyToJSON(await plain.workflow.getHandle(id).fetchHistory());
  const execution = { workflowId: id };
  const { namespace } = plain.options;
  const service = plain.workflowService;
  const described = await service.describeWorkflowExecution({ namespace, execution });
  const listed = await service.listWorkflowExecutions({ namespace, query: `WorkflowId = '${id}'` });
  return { history, all: [history, JSON.stringify(described), JSON.stringify(listed)].join('\n') };
}

/** Everything in it that is base64, as text, beside the text itself. */
function readable(json: string): string {
  const decoded = [...json.matchAll(/"([A-Za-z0-9+/]{8,}={0,2})"/g)].map(([, text = '']) =>
    Buffer.from(text, 'base64').toString('latin1'),
  );
  return [json, ...decoded].join('\n');
}

/** The payloads in it, but for search attributes, which have a type, and the names of patches. */
function payloadsIn(value: unknown): JsonPayload[] {
  if (typeof value !== 'object' || value === null || 'markerRecordedEventAttributes' in value) return [];
  const { metadata } = value as JsonPayload;
  if (typeof metadata?.encoding === 'string') return metadata.type === undefined ? [value] : [];
  return Object.values(value).flatMap(payloadsIn);
}

const text = (base64: string | undefined) => Buffer.from(base64 ?? '', 'base64').toString('utf8');
const encodings = (history: string) =>
  new Set(payloadsIn(JSON.parse(history)).map(({ metadata }) => text(metadata?.encoding)));
const keyIds = (history: string) =>
  new Set(payloadsIn(JSON.parse(history)).map(({ metadata }) => text(metadata?.['encryption-key-id'])));

async function temporalCli(...args: string[]): Promise<string> {
  const found = await findTemporal(findOptionsForTests());
  if (found.kind !== 'binary') throw new Error(`no Temporal CLI: ${JSON.stringify(found)}`);
  const { stdout } = await promisify(execFile)(found.path, args, { maxBuffer: 2 ** 26 });
  return stdout;
}

describe.concurrent('encrypted payloads', () => {
  it('hide all that an agent did from whoever reads the namespace; whoever has the key sees all of it', async context => {
    const key = newKey();
    const env = { HOLDFAST_ENCRYPT: 'payloads', HOLDFAST_KEY: key };
    const w = await world(context, { env });
    await w.worker();
    const session = w.session(
      async agent => {
        await agent.call('bash', { command: `echo ${PLANTED}-command; echo ${PLANTED}-output` });
        await agent.ask('bash', { command: `echo ${PLANTED}-held; exit 3` });
        await agent.call('typed', { city: `${PLANTED}-city` });
      },
      { title: `${PLANTED}-title` },
    );
    session.setFaults({ fail: [{ route: 'send', status: 503, times: 2, message: `${PLANTED}-failure` }] });
    const started = w.start(session.id, '--max-idle', '700ms');
    const call = await eventually('a call is held', async () => {
      const [held] = await heldCallsOf(w.client, session.id).catch(() => []);
      return held?.call;
    });
    // People with the key: the terminal, as ever.
    const shown = await w.run(['show', session.id]).exit;
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toContain(`${PLANTED}-held`);
    const listed = await w.run(['approvals', 'list', '--json']).exit;
    expect(listed.stdout).toContain(`${PLANTED}-held`);
    // Without: one line that names the key, at once; and nothing is sent to the session.
    const none = await failure(w, ['show', session.id], { HOLDFAST_KEY: '', HOLDFAST_STATE_DIR: w.folder });
    expect([none.code, none.line]).toEqual([
      1,
      expect.stringContaining(`encrypted with key ${idOf(key)}, and there is no key here: set HOLDFAST_KEY`),
    ]);
    const other = newKey();
    const foreign = await failure(w, ['approvals', 'allow', session.id, call], { HOLDFAST_KEY: other });
    expect([foreign.code, foreign.line]).toEqual([
      1,
      expect.stringContaining(
        `no worker that is up reads key ${idOf(other)}, which is the one here: set HOLDFAST_KEY`,
      ),
    ]);
    const allowed = await w.run(['approvals', 'allow', session.id, call]).exit;
    expect(allowed).toMatchObject({ code: 0 });
    expect((await started).line).toMatchObject({
      state: 'done',
      calls: [{ posted: true }, {}, { posted: true }],
    });
    expect(textsOf(session).join()).toContain(`${PLANTED}-output`);

    const { history, all } = await storedOf(w, session.id);
    expect(readable(all)).not.toContain('planted');
    expect(encodings(history)).toEqual(new Set(['binary/encrypted']));
    expect(keyIds(history)).toEqual(new Set([idOf(key)]));
    // A failed post is told without its words.
    expect(history).toContain('"Encoded failure"');
    // What stays visible, as docs/encryption.md lists it.
    for (const word of [session.id, call, 'runTool', 'postResults', 'HoldfastState', `reads ${idOf(key)}`])
      expect(all).toContain(word);
    expect(
      await w.run(['replay', '--from-server', '--query', `WorkflowId = '${session.id}'`]).exit,
    ).toMatchObject({
      code: 0,
    });
  });

  it('go on under the session: plain, encrypted, with another key by mistake, rotated, plain again', async context => {
    const [first, wrong, next] = [newKey(), newKey(), newKey()];
    const keys = { HOLDFAST_KEY: next, HOLDFAST_OLD_KEYS: first };
    const w = await world(context, { env: keys });
    w.meant = /^a payload is encrypted with key/;
    const session = w.session(async agent => {
      for (const step of ['plain', 'encrypted', 'wrong', 'rotated', 'off'])
        await agent.call('wait_for', { label: step, line: `go ${step}` });
    });
    /** A worker with this setting sees a call through, and leaves while the next one runs. */
    const worker = async (env: Record<string, string>) => w.run(['worker'], env).says('worker ready');
    const through = async (env: Record<string, string>, step: string, following?: string) => {
      const running = await worker(env);
      await w.effect(`begin ${step}`);
      w.note(`go ${step}`);
      if (following !== undefined) await w.effect(`begin ${following}`);
      return running;
    };
    const on = { HOLDFAST_ENCRYPT: 'payloads', HOLDFAST_KEY: first, HOLDFAST_OLD_KEYS: '' };
    const before = await worker({});
    const handle = await w.begin(session.id, { maxIdleMs: 60_000 });
    await w.effect('begin plain');
    w.note('go plain');
    await w.effect('begin encrypted');
    await before.end('SIGTERM');
    await (await through(on, 'encrypted', 'wrong')).end('SIGTERM');

    // Another key: nothing fails for good, and everybody is told which one is missing.
    w.note('go wrong');
    const mistaken = await worker({ ...on, HOLDFAST_KEY: wrong });
    const lacks = `encrypted with key ${idOf(first)}, which is not here: a run (${session.id})`;
    await mistaken.says(`${lacks}; they wait until a worker has it: set HOLDFAST_KEY`);
    await mistaken.says(`a payload is encrypted with key ${idOf(first)}, and here is only ${idOf(wrong)}`);
    const { stdout } = await w.run(['doctor', '--json'], { ...on, HOLDFAST_KEY: wrong }).exit;
    const { checks } = JSON.parse(stdout) as { checks: Finding[] };
    expect(checks.filter(({ check }) => check === 'encryption')).toMatchObject([
      { state: 'broken', found: lacks, mend: expect.stringContaining('HOLDFAST_OLD_KEYS') },
      { state: 'warning', found: expect.stringMatching(/^workers of the last two minutes differ: /) },
    ]);
    await mistaken.end('SIGTERM');

    await (await through({ HOLDFAST_ENCRYPT: 'payloads' }, 'rotated', 'off')).end('SIGTERM');
    await through({}, 'off');
    await session.wait('idle', { timeoutMs: 120_000 });
    session.emit([{ type: 'session.status_terminated' }]);
    await eventually('the run has ended', async () => (await handle.describe()).status.name === 'COMPLETED');
    const { calls } = JSON.parse((await w.run(['show', session.id, '--json']).exit).stdout) as {
      calls: unknown[];
    };
    expect(calls).toHaveLength(5);
    for (const call of calls) expect(call).toMatchObject({ posted: true, isError: false });
    // Each ran once, although its worker went.
    for (const step of ['plain', 'encrypted', 'wrong', 'rotated', 'off'])
      expect(w.effects(`begin ${step}`)).toHaveLength(1);
    const { history } = await storedOf(w, session.id);
    expect(encodings(history)).toEqual(new Set(['json/plain', 'binary/null', 'binary/encrypted']));
    expect(keyIds(history)).toEqual(new Set(['', idOf(first), idOf(next)]));
    const replayed = await w.run(['replay', '--from-server', '--query', `WorkflowId = '${session.id}'`]).exit;
    expect(replayed).toMatchObject({ code: 0 });
  });

  it('are shown by Temporal’s CLI through the codec server, to whoever has its token', async context => {
    const env = { HOLDFAST_ENCRYPT: 'payloads', HOLDFAST_KEY: newKey(), HOLDFAST_CODEC_TOKEN: newKey() };
    const w = await world(context, { env });
    await w.worker();
    const session = w.session([{ call: 'bash', input: { command: `echo ${PLANTED}` } }]);
    expect((await w.start(session.id, '--max-idle', '300ms')).line).toMatchObject({ state: 'done' });
    const server = await w.run(['codec-server', '--port', '0', '--json']).says('"url"');
    const { url } = JSON.parse(server.stdout) as { url: string };
    const show = (...more: string[]) =>
      temporalCli(
        ...['workflow', 'show', '--workflow-id', session.id, '--output', 'json'],
        ...['--address', w.env.TEMPORAL_ADDRESS ?? '', '--namespace', w.env.TEMPORAL_NAMESPACE ?? ''],
        ...more,
      );
    expect(readable(await show())).not.toContain(PLANTED);
    const auth = ['--codec-auth', `Bearer ${env.HOLDFAST_CODEC_TOKEN}`];
    expect(readable(await show('--codec-endpoint', url, ...auth))).toContain(`echo ${PLANTED}`);
    await server.end('SIGTERM');
    expect(server.stdout + server.stderr).not.toContain(env.HOLDFAST_CODEC_TOKEN);
    // Where others could ask, it does not start without a token.
    const open = await failure(w, ['codec-server', '--host', '0.0.0.0'], { HOLDFAST_CODEC_TOKEN: '' });
    expect([open.code, open.line]).toEqual([
      2,
      expect.stringContaining('set HOLDFAST_CODEC_TOKEN, or listen on 127.0.0.1'),
    ]);
  });
});
