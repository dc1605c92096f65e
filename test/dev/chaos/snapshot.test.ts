import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { takeSnapshot } from '../../../src/dev/chaos/snapshot.ts';
import { type Emulator, startEmulator } from '../../../src/emulator/server.ts';
import { folderName, sessionPaths } from '../../../src/tool-host/paths.ts';

test('a call goes through the phases as its journal, its effect and its post say', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'hf-snap-'));
  const emulator = await startEmulator();
  onTestFinished(async () => {
    await emulator.close();
    await rm(stateDir, { recursive: true });
  });
  const session = emulator.createSession({ script: 'manual' });
  session.agent.call('work', {}, { id: 'sevt_call' });
  await session.wait('requires_action');
  const folder = join(sessionPaths(stateDir, session.id).journal, 'calls', folderName('sevt_call'));
  let effect = false;
  const phase = () =>
    takeSnapshot({ sessions: [session], stateDir, tookEffect: () => effect }).map(call => call.phase);

  expect(phase()).toEqual(['queued']);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'started.json'), '{}');
  expect(phase()).toEqual(['marked']);
  effect = true;
  expect(phase()).toEqual(['running']);
  await writeFile(join(folder, 'outcome.json'), '{}');
  expect(phase()).toEqual(['finished']);

  const post = () => postOf(emulator, session.id);
  emulator.setFaults({ fail: [{ route: 'send', status: 503 }], lose_responses: 1 });
  await post();
  expect(phase(), 'refused').toEqual(['posting']);
  await post();
  expect(phase(), 'taken, and the answer was lost').toEqual(['posting']);
  await post();
  expect(phase(), 'the poster has learned that it is taken').toEqual([]);
});

test('a result whose answer is held back is posting until the answer is out', async () => {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const session = emulator.createSession({ script: 'manual' });
  session.agent.call('work', {}, { id: 'sevt_call' });
  await session.wait('requires_action');
  emulator.setFaults({ answer_delay_ms: 400 });
  const phases = () =>
    takeSnapshot({ sessions: [session], stateDir: undefined, tookEffect: () => true }).map(
      call => call.phase,
    );
  const answered = postOf(emulator, session.id);
  await expect.poll(phases, { interval: 5 }).toEqual(['posting']);
  expect(session.info().open_calls, 'the API has it already').toEqual([]);
  expect((await answered)?.status).toBe(200);
  expect(phases()).toEqual([]);
});

function postOf(emulator: Emulator, sessionId: string): Promise<Response | undefined> {
  const result = { type: 'user.custom_tool_result', custom_tool_use_id: 'sevt_call', content: [] };
  return fetch(`${emulator.url}/v1/sessions/${sessionId}/events`, {
    method: 'POST',
    headers: { 'x-api-key': 'k', 'content-type': 'application/json' },
    body: JSON.stringify({ events: [result] }),
  }).catch(() => undefined);
}
