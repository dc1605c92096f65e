/** The gate itself: real histories, the real bundle, and one that was changed. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundleWorkflowCode, DefaultLogger, type WorkflowBundleOption } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf } from '../../src/key-ring.ts';
import { createPayloadCodec } from '../../src/payload-codec.ts';
import { type JsonPayload, payloadFromJson, payloadToJson } from '../../src/payload-json.ts';
import { historyFiles } from '../../src/replay/history-files.ts';
import { type ReplaySource, replayAll } from '../../src/replay/replay.ts';
import type { ReplayVerdict } from '../../src/replay/verdict.ts';

const RECORDED = fileURLToPath(new URL('../fixtures/histories/0.1.0', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SRC = join(ROOT, 'src');
const recorded = (name: string) => readFileSync(join(RECORDED, `${name}.json`));

mkdirSync(join(ROOT, '.holdfast'), { recursive: true });
// Inside the checkout, so that the copy of the sources finds node_modules.
const inside = mkdtempSync(join(ROOT, '.holdfast', 'replay-'));
const folder = mkdtempSync(join(tmpdir(), 'hfr-'));
afterAll(() => {
  for (const path of [inside, folder]) rmSync(path, { recursive: true, force: true });
});

const KEY = keyOf(Buffer.alloc(32, 5));
const KEYS = { sealingKey: KEY.secret.toString('hex'), oldKeys: [], stateDir: folder };

function bundle(src: string): Promise<WorkflowBundleOption> {
  const logger = new DefaultLogger('ERROR');
  return bundleWorkflowCode({ workflowsPath: join(src, 'workflows/index.ts'), logger });
}

async function verdicts(
  workflowBundle: WorkflowBundleOption,
  sources: readonly ReplaySource[],
  { processes = 2, limitMs = 60_000 } = {},
): Promise<Map<string, ReplayVerdict>> {
  const found = new Map<string, ReplayVerdict>();
  const onVerdict = (verdict: ReplayVerdict) =>
    void found.set(verdict.source.split('/').at(-1) ?? '', verdict);
  await replayAll(sources, { workflowBundle, keys: KEYS, processes, limitMs, onVerdict });
  return found;
}

describe('a replay', () => {
  let today: WorkflowBundleOption;
  beforeAll(async () => {
    today = await bundle(SRC);
  });

  it('judges each file of a folder by itself: what is broken is one line, the others are replayed', async () => {
    const put = (name: string, content: Uint8Array | string) => writeFileSync(join(folder, name), content);
    mkdirSync(join(folder, 'deeper'));
    const one = recorded('one-call-1');
    put('plain.json', one);
    put('deeper/zipped.json.gz', gzipSync(recorded('approvals-1')));
    put('torn.json', one.subarray(0, 5_000));
    const { events } = JSON.parse(one.toString('utf8')) as { events: unknown[] };
    put('new.json', JSON.stringify({ events: events.slice(0, 3) }));
    put('foreign.json', one.toString('utf8').replace('"runSession"', '"somethingElse"'));
    put('notes.txt', 'not a history');
    const files = await historyFiles(folder);
    const paths = files.kind === 'found' ? files.files : [];
    const found = await verdicts(
      today,
      paths.map(path => ({ source: path, path })),
    );
    expect(found.size).toBe(5);
    expect(found.get('plain.json')).toMatchObject({
      ...{ verdict: 'ok', session: 'sesn_01fdcde02257fb47cca61a49', events: 64, why: null },
    });
    expect(found.get('zipped.json.gz')).toMatchObject({ verdict: 'ok' });
    expect(found.get('new.json')).toMatchObject({ verdict: 'nothing-yet' });
    expect(found.get('torn.json')).toMatchObject({ verdict: 'unreadable', session: null });
    expect(found.get('foreign.json')).toMatchObject({
      verdict: 'unreadable',
      why: expect.stringContaining('somethingElse'),
    });
  });

  it('that hangs is given up, and the next one goes on in a new process', async () => {
    const pipe = join(folder, 'pipe.json');
    execFileSync('mkfifo', [pipe]);
    const found = await verdicts(
      today,
      [
        { source: pipe, path: pipe },
        { source: 'after', json: recorded('one-call-1').toString('utf8') },
      ],
      { processes: 1, limitMs: 8_000 },
    );
    expect(found.get('pipe.json')).toMatchObject({
      verdict: 'failed',
      why: 'its replay did not end within 8 s',
    });
    expect(found.get('after')).toMatchObject({ verdict: 'ok' });
  });

  it('a history that is encrypted is replayed with its key; with another it is told which one it needs', async () => {
    const history: unknown = JSON.parse(recorded('one-call-1').toString('utf8'));
    const other = keyOf(Buffer.alloc(32, 6));
    const found = await verdicts(today, [
      { source: 'ours', json: JSON.stringify(await encrypted(history)) },
      { source: 'theirs', json: JSON.stringify(await encrypted(history, other)) },
    ]);
    expect(found.get('ours')).toMatchObject({ verdict: 'ok', events: 64 });
    expect(found.get('theirs')).toMatchObject({
      verdict: 'unreadable',
      why: expect.stringMatching(
        `encrypted with key ${other.id}, and here is only ${KEY.id}: set HOLDFAST_KEY`,
      ),
    });
  });
});

/** The history as a worker with this key would have made it. */
async function encrypted(value: unknown, key = KEY): Promise<unknown> {
  const keys = async () => ({ current: key, all: new Map() });
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return Promise.all(value.map(each => encrypted(each, key)));
  const { metadata } = value as JsonPayload;
  // A search attribute has a type, and stays in clear.
  if (metadata?.encoding !== undefined && metadata.type === undefined) {
    const [payload] = await createPayloadCodec({ encrypts: true, keys }).encode([payloadFromJson(value)]);
    return payload && payloadToJson(payload);
  }
  const parts = Object.entries(value).map(
    async ([name, part]) => [name, await encrypted(part, key)] as const,
  );
  return Object.fromEntries(await Promise.all(parts));
}

it('a version that calls the same activities in another order is told apart, with the event and in words', async () => {
  const src = join(inside, 'src');
  cpSync(SRC, src, { recursive: true });
  const file = join(src, 'workflows/serving.ts');
  const text = readFileSync(file, 'utf8');
  const changed = text.replace(
    /( {2}if \(run\.state\.tools === undefined\)\n {4}follow\([\s\S]*?\n {4}\);\n) {2}await (Promise\.all.*;\n)/,
    '  const both = $2$1  await both;\n',
  );
  expect(changed).not.toBe(text);
  writeFileSync(file, changed);
  const found = await verdicts(await bundle(src), [
    { source: 'one-call', json: recorded('one-call-1').toString('utf8') },
  ]);
  expect(found.get('one-call')).toMatchObject({
    ...{ verdict: 'nondeterministic', event: 12 },
    why: 'the history calls an activity with the id describeTools; this version calls listen/1 there',
  });
});

it('a path that holds no histories is told, not taken for a success', async () => {
  expect(await historyFiles(join(folder, 'missing'))).toMatchObject({
    message: expect.stringContaining('is not there'),
  });
  const empty = mkdtempSync(join(folder, 'empty-'));
  expect(await historyFiles(empty)).toMatchObject({ message: expect.stringContaining('no histories in') });
});
