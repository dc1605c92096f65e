import { describe, expect, test } from 'vitest';
import { conflict, type Lock, locksOf } from '../../src/session/locks.ts';
import { given } from './given.ts';
import {
  ask,
  at,
  call,
  custom,
  finished,
  interrupt,
  LISTED,
  LISTING,
  READY,
  started,
  TOOLS,
  verdict,
} from './wire.ts';

function run(...ids: readonly string[]) {
  return { kind: 'run', ids } as const;
}
const WAIT = { kind: 'wait' } as const;

function file(id: string, name: string, file_path: string) {
  return call(id, name, { input: { file_path } });
}

describe('order where calls conflict (§2.3)', () => {
  test('write then bash: bash waits for the write to finish, not for its post', () => {
    given(...READY, file('w', 'write', 'a'), call('b'))
      .thenStep(run('w'))
      .after(0, ...started('w'))
      .thenStep(WAIT)
      .after(0, finished('w'), { type: 'posting', ids: ['w'] })
      .thenStep(run('b'));
  });

  test('bash then write: the write waits, and so does the bash behind it', () => {
    given(...READY, call('b1'), file('w', 'write', 'a'), call('b2'))
      .thenStep(run('b1'))
      .after(0, ...started('b1'), finished('b1'), { type: 'posting', ids: ['b1'] })
      .thenStep(run('w'));
  });

  test('a later read does not overtake a waiting bash: bash would wait for ever behind a stream of reads', () => {
    given(...READY, file('r1', 'read', 'a'), call('b'), file('r2', 'read', 'a')).thenStep(run('r1'));
  });

  test('two writes on one path run one after the other, on two paths at once', () => {
    given(...READY, file('w1', 'write', 'a'), file('e', 'edit', './a'), file('w2', 'write', 'b')).thenStep(
      run('w1', 'w2'),
    );
  });

  test('a read of a path waits for its write, one of another path does not', () => {
    given(
      ...READY,
      file('w', 'write', 'src/a'),
      file('r1', 'read', 'src//a'),
      file('r2', 'read', 'src/b'),
    ).thenStep(run('w', 'r2'));
  });

  test('read, glob and grep run beside each other, on one path too', () => {
    const reads = [file('r1', 'read', 'a'), file('r2', 'read', 'a'), call('gl', 'glob'), call('gr', 'grep')];
    given(...READY, ...reads).thenStep(run('r1', 'r2', 'gl', 'gr'));
  });

  test('a call that is allowed late waits for a later one that runs already, and so does one that comes late', () => {
    given(...READY, ask('b1'), call('b2'), ...started('b2'), verdict('b1', 'allow'))
      .thenStep(WAIT)
      .after(0, finished('b2'), { type: 'posting', ids: ['b2'] })
      .thenStep(run('b1'));
    given(...READY, at(5, call('b')), ...started('b'), at(3, file('w', 'write', 'a'))).thenStep(WAIT);
  });

  test('a custom tool is free of the workspace, unless it declares locks', () => {
    given(...READY, call('b'), custom('c')).thenStep(run('b', 'c'));
    const locks: Lock[] = [{ resource: 'workspace', mode: 'exclusive' }];
    const tools = TOOLS.type === 'tools' ? TOOLS.tools : [];
    const deploy = { name: 'deploy', timeoutMs: 1, idempotent: false, locks };
    given({ type: 'tools', tools: [...tools, deploy] }, LISTED, call('b'), custom('d', 'deploy')).thenStep(
      run('b'),
    );
  });

  test('order is the order of the log, not of arrival', () => {
    given(...READY, at(2, call('b')), at(1, file('w', 'write', 'a'))).thenStep(run('w'));
  });
});

describe('calls that block no other', () => {
  test('a held, an unowned and an interrupted one', () => {
    given(...READY, ask('b1'), call('b2', 'web_search'), call('b3')).thenStep(run('b3'));
    given(...READY, call('b1'), interrupt(), call('b2')).thenStep({ ...run('b2') });
  });

  test('but an earlier one that waits for the end of the history does: it will run first', () => {
    given(TOOLS, LISTING, call('b1'), custom('c1')).thenStep(WAIT).after(0, LISTED).thenStep(run('b1', 'c1'));
  });
});

describe('maxParallel', () => {
  const three = [custom('c1'), custom('c2'), custom('c3')];

  test('at most so many run at a time, in order', () => {
    given(...READY, ...three)
      .thenStep(run('c1', 'c2'), { maxParallel: 2 })
      .after(0, ...started('c1', 'c2'))
      .thenStep(WAIT, { maxParallel: 2 })
      .after(0, finished('c2'), { type: 'posting', ids: ['c2'] })
      .thenStep(run('c3'), { maxParallel: 2 });
  });

  test('more running than allowed, after the limit was lowered, starts nothing', () => {
    given(...READY, ...three, ...started('c1', 'c2')).thenStep(WAIT, { maxParallel: 1 });
  });
});

describe('locks of one call', () => {
  const own: Lock[] = [{ pathFrom: 'file_path', mode: 'exclusive' }];
  const of = (file_path: unknown) => locksOf(own, { file_path })[0]?.resource;

  test.each([
    ['./a/b', 'a/b'],
    ['a//b', 'a/b'],
    ['a/x/../b', 'a/b'],
    ['a/b/', 'a/b'],
    ['/w/a/../b', '/w/b'],
    ['/../w', '/w'],
    ['../../a', '../../a'],
  ])('%s and %s are one path', (left, right) => {
    expect(of(left)).toBe(of(right));
  });

  test.each([
    ['a', 'b'],
    ['a', '/a'],
    ['../a', 'a'],
    ['../../a', '../a'],
  ])('%s and %s are two', (left, right) => {
    expect(of(left)).not.toBe(of(right));
  });

  test('an input without the field, or with a strange one, still locks something', () => {
    for (const input of [undefined, null, 'x', [], { file_path: 3 }, {}])
      expect(locksOf(own, input)).toHaveLength(1);
  });

  test('a path never meets a resource of the same name', () => {
    const workspace: Lock[] = [{ resource: 'workspace', mode: 'exclusive' }];
    expect(conflict(locksOf(workspace, {}), locksOf(own, { file_path: 'workspace' }))).toBe(false);
  });

  test('two shared holders agree, any exclusive one does not', () => {
    const shared: Lock[] = [{ resource: 'db', mode: 'shared' }];
    const exclusive: Lock[] = [{ resource: 'db', mode: 'exclusive' }];
    expect(conflict(locksOf(shared, {}), locksOf(shared, {}))).toBe(false);
    expect(conflict(locksOf(shared, {}), locksOf(exclusive, {}))).toBe(true);
    expect(conflict(locksOf(exclusive, {}), locksOf(shared, {}))).toBe(true);
  });

  test('an input that travels as a reference locks its path through its hint', () => {
    const big = (id: string, file_path: string) =>
      call(id, 'write', { input_ref: { bytes: 99_000, hint: { file_path } } });
    const { input: _1, ...w1 } = big('w1', 'a');
    const { input: _2, ...w2 } = big('w2', 'b');
    given(...READY, w1, file('e', 'edit', 'a'), w2).thenStep(run('w1', 'w2'));
  });
});

describe('timeouts', () => {
  test('a call runs with the timeout of its tool; the timeout_ms of bash raises it, up to an hour', () => {
    const bash = (timeout_ms: unknown) => call('c1', 'bash', { input: { command: 'x', timeout_ms } });
    given(...READY, call('c1')).thenCall('c1', { timeoutMs: 150_000, idempotent: false });
    given(...READY, bash(5_000)).thenCall('c1', { timeoutMs: 150_000 });
    given(...READY, bash(200_000)).thenCall('c1', { timeoutMs: 230_000 });
    given(...READY, bash(1e12)).thenCall('c1', { timeoutMs: 3_600_000 });
    for (const odd of ['x', {}, null, -1]) given(...READY, bash(odd)).thenCall('c1', { timeoutMs: 150_000 });
  });

  test('a field of that name means nothing for another tool', () => {
    given(...READY, custom('c1', 'get_weather', { input: { timeout_ms: 900_000 } })).thenCall('c1', {
      timeoutMs: 150_000,
    });
  });
});
