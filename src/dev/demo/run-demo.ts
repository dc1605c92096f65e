/**
 * The demo: a scripted agent works with real tools while the process that runs them is killed in the middle.
 * The same session is served by Holdfast's worker or by the SDK's runner; what counts is effects.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Emulator, startEmulator } from '../../emulator/server.ts';
import type { ProgressOutput } from '../progress.ts';
import { type AgentScript, createAgentScript } from './agent-script.ts';
import { timelineCalls } from './call-spans.ts';
import { readEffects } from './effects.ts';
import { Performer } from './performance.ts';
import { openScene, type Scene } from './scene.ts';
import { servedByHoldfast, servedBySdk } from './served.ts';
import { type DemoTemporal, type DemoTemporalOptions, openTemporal } from './temporal.ts';
import type { Timeline } from './timeline.ts';
import { judge, type Verdict } from './verdict.ts';

export interface DemoOptions extends DemoTemporalOptions {
  readonly runner: 'holdfast' | 'sdk';
  /** Milliseconds for the session, from when a Temporal server is there. */
  readonly limitMs: number;
  /** Kills so many ms after the agent began, instead of in its long command. */
  readonly killAfterMs: number | undefined;
  /** Ends the demo early; everything is cleaned up all the same. */
  readonly signal: AbortSignal;
  /** What happens now, as `starting the worker`. */
  readonly stage: (text: string) => void;
  /** What the agent does now. */
  readonly onCall: (what: string) => void;
}

export interface DemoReport {
  readonly runner: DemoOptions['runner'];
  readonly verdict: Verdict;
  readonly timeline: Timeline;
  readonly sessionId: string;
  /** Undefined for the SDK's runner, which needs none. */
  readonly temporal: Pick<DemoTemporal, 'address' | 'namespace' | 'uiAddress'> | undefined;
}

type Closers = (() => Promise<void>)[];

/**
 * Runs the demo, hands the report to `show` while all is still up, and then leaves nothing behind.
 *
 * @throws the signal's reason; TemporalServerError or Error, for a person, where it cannot begin. What goes wrong
 * later is in the report.
 */
export async function runDemo(
  options: DemoOptions,
  show: (report: DemoReport) => Promise<void>,
): Promise<void> {
  const closers: Closers = [];
  try {
    const scene = await openScene();
    closers.push(() => scene.close());
    const agent = createAgentScript(options.onCall);
    const emulator = await startEmulator({ script: agent.script });
    closers.push(() => emulator.close());
    const temporal = options.runner === 'holdfast' ? await startTemporal(options, scene, closers) : undefined;
    await show(await play(options, { scene, agent, emulator, temporal, closers }));
  } finally {
    const failures: unknown[] = [];
    for (const close of closers.reverse()) await close().catch(error => failures.push(error));
    if (failures.length > 0) options.stage(`could not clean up: ${failures.map(String).join('; ')}`);
  }
}

async function startTemporal(options: DemoOptions, scene: Scene, closers: Closers): Promise<DemoTemporal> {
  const { signal, stage } = options;
  stage(options.given.isGiven ? 'making a namespace for the demo' : 'starting a Temporal server');
  // Its plain lines become stages: two live lines on one terminal would overwrite each other.
  const output: ProgressOutput = { isTTY: false, write: text => stage(text.trim()) };
  const temporal = await openTemporal(options, { folder: scene.folder, output, signal });
  closers.push(() => temporal.close());
  return temporal;
}

interface Stage {
  readonly scene: Scene;
  readonly agent: AgentScript;
  readonly emulator: Emulator;
  readonly temporal: DemoTemporal | undefined;
  readonly closers: Closers;
}

async function play(options: DemoOptions, parts: Stage): Promise<DemoReport> {
  const { runner, limitMs, killAfterMs } = options;
  const { scene, agent, emulator, temporal, closers } = parts;
  if (temporal === undefined) await mkdir(join(scene.folder, 'workspace'));
  const session = emulator.createSession({ title: 'Holdfast demo' });
  const place = { scene, env: options.env, apiUrl: emulator.url, sessionId: session.id };
  const served = temporal === undefined ? servedBySdk(place) : servedByHoldfast(place, temporal);

  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  let now = '';
  const performer = new Performer({
    ...served,
    folder: scene.folder,
    session,
    killAfterMs,
    limitMs,
    signal: AbortSignal.any([limit.signal, options.signal]),
    stage: text => {
      now = text;
      options.stage(text);
    },
  });
  closers.push(served.leave, () => performer.stop());
  const faults: string[] = [];
  try {
    await performer.perform();
  } catch (error) {
    options.signal.throwIfAborted();
    const open = `${session.info().open_calls.length} calls without a result`;
    if (limit.signal.aborted) faults.push(`not done after ${limitMs / 1000} s, while: ${now} (${open})`);
    else faults.push((error as Error).message);
  } finally {
    clearTimeout(timer);
  }
  const { up, killedAt, faults: seen } = performer.soFar;
  const ledger = session.ledger();
  const effects = await readEffects(scene.folder);
  const calls = timelineCalls(agent.made, ledger, await served.runs(killedAt), effects);
  const isWhole = calls.length > 0 && calls.every(call => call.postedAt !== undefined);
  const endedAt = isWhole ? Math.max(...calls.map(call => call.postedAt ?? 0)) : Date.now();
  return {
    runner,
    verdict: judge({
      made: agent.made,
      ledger,
      effects,
      testsPassed: agent.testsPassed(),
      scriptEnded: session.info().script === 'done',
      faults: [...seen, ...faults],
    }),
    timeline: { calls, up, killedAt, endedAt },
    sessionId: session.id,
    temporal,
  };
}
