import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';
import { fieldsOf } from '../src/log.ts';
import { holdfast } from './cli/command.ts';

/** What Temporal's SDK says of an attempt. */
const sdk = {
  namespace: 'default',
  taskQueue: 'tools@host',
  taskToken: 'AAAA',
  sdkComponent: 'worker',
  isLocal: false,
  workflowType: 'runSession',
  runId: 'run-1',
  attempt: 3,
};

describe('a log line', () => {
  it('names the session and the call of an attempt, in our words', () => {
    const meta = { ...sdk, workflowId: 'sesn_1', activityId: 'sevt_7', activityType: 'runTool' };
    expect(fieldsOf({ message: 'Activity failed', meta })).toEqual({
      session: 'sesn_1',
      call: 'sevt_7',
      activity: 'runTool',
      run: 'run-1',
      attempt: 3,
    });
  });

  it('names the notice of one that tells people, and no call where there is none', () => {
    const meta = { ...sdk, workflowId: 'sesn_1/msg_2', activityId: 'webhook', activityType: 'notify' };
    expect(fieldsOf({ message: 'Activity failed', meta })).toMatchObject({
      session: 'sesn_1',
      notice: 'msg_2',
      activity: 'notify',
    });
    expect(fieldsOf({ message: 'Activity failed', meta })).not.toHaveProperty('call');
  });

  it('takes the ids from its own words, unless it speaks of several', () => {
    expect(fieldsOf({ message: 'sweep: closed the tool host of sesn_1' })).toEqual({ session: 'sesn_1' });
    expect(fieldsOf({ message: 'sevt_1 of sesn_1 and sesn_2' })).toEqual({ call: 'sevt_1' });
    expect(fieldsOf({ message: 'worker ready' })).toEqual({});
  });

  it('tells a failure in one line, with what Temporal has wrapped', () => {
    const cause = ApplicationFailure.create({ message: 'the API\nanswered 503' });
    const error = new ActivityFailure(
      'Activity task failed',
      'listen',
      'listen/1',
      'IN_PROGRESS',
      undefined,
      cause,
    );
    expect(fieldsOf({ message: 'x', meta: { error } }).error).toBe(
      'Activity task failed: the API answered 503',
    );
  });

  it('can be for people or for machines, and nothing else', () => {
    expect([readConfig({}).log, readConfig({ HOLDFAST_LOG: 'json' }).log]).toEqual(['text', 'json']);
    expect(() => readConfig({ HOLDFAST_LOG: 'xml' })).toThrow('HOLDFAST_LOG is xml: write text');
  });
});

const folder = mkdtempSync(join(tmpdir(), 'hfl-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a worker that cannot start says so in the form of its log', async () => {
  const { stderr, code } = await holdfast(folder, ['worker'], { HOLDFAST_LOG: 'json' });
  expect(code).toBe(2);
  expect(
    stderr
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
  ).toMatchObject([
    { level: 'ERROR', message: expect.stringContaining('ANTHROPIC_API_KEY'), time: expect.any(String) },
  ]);
});
