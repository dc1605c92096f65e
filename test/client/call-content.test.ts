import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { loadDataConverter } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { beforeEach, describe, expect, it } from 'vitest';
import { callContent } from '../../src/client/call-content.ts';
import { textBlock } from '../../src/session/answers.ts';

type Event = Record<string, unknown>;

/** Histories by run id, in pages; what was read of them. */
let histories: Record<string, Event[][]>;
let read: string[];
beforeEach(() => {
  histories = {};
  read = [];
});

const client = {
  options: { namespace: 'default', loadedDataConverter: loadDataConverter() },
  withDeadline: <T>(_: number, request: () => Promise<T>) => request(),
  withAbortSignal: <T>(_: AbortSignal, request: () => Promise<T>) => request(),
  connection: {
    workflowService: {
      getWorkflowExecutionHistory: async ({ execution, nextPageToken }: Asked) => {
        const page = Number(Buffer.from(nextPageToken ?? []).toString() || 0);
        read.push(`${execution.runId}/${page}`);
        const pages = histories[execution.runId];
        if (pages === undefined) throw Object.assign(new Error('not found'), GRPC_NOT_FOUND);
        const more = page + 1 < pages.length ? Buffer.from(String(page + 1)) : Buffer.alloc(0);
        return { history: { events: pages[page] }, nextPageToken: more };
      },
    },
  },
} as unknown as Client;

const GRPC_NOT_FOUND = { code: 5, details: 'not found', metadata: {} };

interface Asked {
  readonly execution: { readonly runId: string };
  readonly nextPageToken?: Uint8Array;
}

const payloads = (...values: unknown[]) => ({
  payloads: values.map(value => defaultPayloadConverter.toPayload(value)),
});
const started = (before = ''): Event => ({
  workflowExecutionStartedEventAttributes: { continuedExecutionRunId: before },
});
const continued = (next: string): Event => ({
  workflowExecutionContinuedAsNewEventAttributes: { newExecutionRunId: next },
});
const signal = (value: unknown, signalName = 'events'): Event => ({
  workflowExecutionSignaledEventAttributes: { signalName, input: payloads(value) },
});
const made = (id: string, of: Record<string, unknown>): Event =>
  signal({ events: [{ type: 'agent.tool_use', id, name: 'bash', processed_at: null, ...of }] });
const activity = (type: string, input: unknown, activityId = '1'): Event => ({
  activityTaskScheduledEventAttributes: { activityType: { name: type }, activityId, input: payloads(input) },
});
const posted = (...ids: string[]): Event =>
  activity('postResults', {
    results: ids.map(id => ({ id, isError: id.endsWith('!'), content: [textBlock(`result of ${id}`)] })),
  });

const contentOf = (id: string, runId = 'run-1') => callContent(client, 'sesn_1', runId, id);
const kept = (id: string) => ({
  kind: 'kept',
  isError: id.endsWith('!'),
  content: [textBlock(`result of ${id}`)],
});

describe('a call’s content', () => {
  it('is its input as the agent wrote it and the result that was posted, among those of others', async () => {
    histories['run-1'] = [
      [started(), made('a', { input: { n: 1 } }), made('b!', { input: [2] })],
      [posted('a', 'b!')],
    ];
    expect(await contentOf('a')).toEqual({ input: { kind: 'kept', value: { n: 1 } }, result: kept('a') });
    expect(await contentOf('b!')).toEqual({ input: { kind: 'kept', value: [2] }, result: kept('b!') });
  });

  it('is found in the runs after and before, and no further ones are read', async () => {
    histories['run-0'] = [[started('run-lost'), made('a', { input: 1 }), continued('run-1')]];
    histories['run-1'] = [[started('run-0'), continued('run-2')]];
    histories['run-2'] = [[started('run-1'), posted('a')], [continued('run-3')]];
    expect(await contentOf('a')).toEqual({ input: { kind: 'kept', value: 1 }, result: kept('a') });
    expect(read).toEqual(['run-1/0', 'run-2/0', 'run-0/0']);
  });

  it('of a run whose beginning Temporal has forgotten is what the rest tells', async () => {
    histories['run-1'] = [[started('run-0'), posted('a')]];
    expect(await contentOf('a')).toEqual({ input: { kind: 'unknown' }, result: kept('a') });
    expect(await contentOf('b')).toEqual({ input: { kind: 'unknown' }, result: { kind: 'none' } });
  });

  it('of a call that was carried into the run is in the activity that ran it', async () => {
    histories['run-1'] = [
      [started(), activity('runTool', { call: { id: 'a', input: 'x' } }, 'a'), posted('a')],
    ];
    expect((await contentOf('a')).input).toEqual({ kind: 'kept', value: 'x' });
  });

  it('that is too large for a history is said to be', async () => {
    histories['run-1'] = [
      [
        made('a', { input_ref: { bytes: 70_000, hint: {} } }),
        activity('postStored', { call: { id: 'b' } }),
        activity('postStored', { call: { id: 'a' } }),
      ],
    ];
    expect(await contentOf('a')).toEqual({ input: { kind: 'too-large' }, result: { kind: 'too-large' } });
    histories['run-1'] = [[activity('runTool', { call: { id: 'a' } }, 'a')]];
    expect((await contentOf('a')).input).toEqual({ kind: 'too-large' });
  });

  it.each([null, 7, {}, { events: 'none' }, { events: [null, { id: 'a' }] }])(
    'is not kept from being found by a signal of somebody’s own: %j',
    async odd => {
      histories['run-1'] = [[signal(odd), signal('x', 'wake'), made('a', { input: 1 }), posted('a')]];
      expect(await contentOf('a')).toEqual({ input: { kind: 'kept', value: 1 }, result: kept('a') });
    },
  );
});
