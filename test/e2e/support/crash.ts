/**
 * Kills at failpoints, many at a time: every point has a session of its own that holds there, and then all
 * victims of a kind are killed at once. So a whole area costs one lost worker, not thirty.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agent } from '../../../src/emulator/agent.ts';
import type { SessionHandle } from '../../../src/emulator/handle.ts';
import type { Held } from '../../../src/failpoint.ts';
import { FAILPOINT_NAMES, type Failpoint } from '../../../src/failpoints.ts';
import type { SessionSummary } from '../../../src/workflows/messages.ts';
import type { RunOptions } from '../../../src/workflows/run-input.ts';
import type { runSession } from '../../../src/workflows/run-session.ts';
import { answersOf } from './answers.ts';
import { CRASH_CASES, type CrashCase, type Outcome, type Road, type Victim } from './crash-cases.ts';
import { eventually } from './eventually.ts';
import { toolHostPid } from './leftovers.ts';
import { createWorld, type World } from './world.ts';

const VICTIMS: readonly Victim[] = ['worker', 'tool host'];
const HELD_MS = 45_000;
const END_MS = 60_000;

/** The folder that arms failpoints in a world made by `crashWorld`. */
export class Failpoints {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  arm(point: Failpoint, sessionId?: string): void {
    writeFileSync(this.#path(point, sessionId), '');
  }

  /** The process that holds there; waits until one does. */
  held(point: Failpoint, sessionId?: string, limitMs = HELD_MS): Promise<Held> {
    const path = `${this.#path(point, sessionId)}.held`;
    return eventually(
      `${point} is reached`,
      () => (existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Held) : undefined),
      limitMs,
    );
  }

  /** Lets go of whoever holds there. */
  release(point: Failpoint, sessionId?: string): void {
    rmSync(`${this.#path(point, sessionId)}.held`, { force: true });
  }

  /** The same, and nobody holds there any more. */
  disarm(point: Failpoint, sessionId?: string): void {
    rmSync(this.#path(point, sessionId), { force: true });
    this.release(point, sessionId);
  }

  #path(point: Failpoint, sessionId: string | undefined): string {
    return join(this.folder, sessionId === undefined ? point : `${point}@${sessionId}`);
  }
}

export interface CrashWorld {
  readonly w: World;
  readonly points: Failpoints;
}

/** A world whose processes heed failpoints; whoever makes it ends it. */
export async function crashWorld(fileUrl: string): Promise<CrashWorld> {
  const w = await createWorld(fileUrl);
  const points = new Failpoints(join(w.folder, 'failpoints'));
  // The folder is known only once the world is made; no process has been started yet.
  Object.assign(w.env, { HOLDFAST_FAILPOINTS: points.folder });
  return { w, points };
}

/** One session on its way to one failpoint. */
interface Traveller {
  readonly point: Failpoint;
  readonly road: Road;
  readonly session: SessionHandle;
  readonly handle: Promise<WorkflowHandle<typeof runSession>>;
  /** Label of the call that is caught. */
  readonly label: string;
  /** The session has done what comes before the point. */
  ready: boolean;
}

const OPTIONS: Readonly<Partial<Record<Road, Partial<RunOptions>>>> = {
  lease: { leaseEvents: 1 },
  stop: { interruptGraceMs: 200 },
  rotation: { maxHistory: 60 },
};

/** Declares the tests of an area: each point with each of its victims. */
export function describeCrashes(
  fileUrl: string,
  area: Readonly<Partial<Record<Failpoint, CrashCase>>>,
): void {
  for (const victim of VICTIMS) {
    const points = FAILPOINT_NAMES.filter(point => area[point]?.victims[victim] !== undefined);
    describeKills(fileUrl, victim, points, 1);
  }
}

/**
 * Declares the tests of one victim: it is killed at each of these points, and whoever takes over is killed when it
 * comes to the same point, `times` in all.
 */
export function describeKills(
  fileUrl: string,
  victim: Victim,
  points: readonly Failpoint[],
  times: number,
): void {
  const often = times === 1 ? '' : `, ${times} times in a row`;
  describe(`killing the ${victim}${often}, at`, () => {
    let world: CrashWorld | undefined;
    let travellers: readonly Traveller[] = [];
    let ends: ReadonlyMap<Failpoint, SessionSummary | Error> = new Map();
    beforeAll(async () => {
      world = await crashWorld(fileUrl);
      ({ travellers, ends } = await crash(world, victim, points, times));
    }, 240_000);
    afterAll(() => world?.w.end());

    it.each(points)('%s', point => {
      const traveller = travellers.find(other => other.point === point);
      const end = ends.get(point);
      if (world === undefined || traveller === undefined) throw new Error(`${point} was not tried`);
      if (end === undefined || end instanceof Error) throw end ?? new Error(`${point} has no end`);
      check(world.w, traveller, end, CRASH_CASES[point].victims[victim] ?? 'done');
    });
  });
}

interface Crashed {
  readonly travellers: readonly Traveller[];
  /** The end of each session, or what kept it from coming to one. */
  readonly ends: ReadonlyMap<Failpoint, SessionSummary | Error>;
}

async function crash(
  { w, points }: CrashWorld,
  victim: Victim,
  at: readonly Failpoint[],
  times: number,
): Promise<Crashed> {
  let worker = await w.worker();
  let open = () => {};
  const gate = new Promise<void>(resolve => {
    open = resolve;
  });
  const travellers = at.map(point => setOut(w, points, point, gate));
  await eventually('all sessions are ready', () => travellers.every(({ ready }) => ready));
  open();
  const ends = new Map<Failpoint, SessionSummary | Error>();
  const each = (work: (traveller: Traveller) => Promise<void>) =>
    Promise.all(
      travellers.map(traveller =>
        work(traveller).catch((error: Error) => {
          // What went wrong first is what is told.
          if (!ends.has(traveller.point)) ends.set(traveller.point, error);
        }),
      ),
    );
  await each(traveller => lead(w, traveller));
  for (let time = 1; time <= times; time++) {
    await each(async traveller => {
      const { point, session } = traveller;
      if (ends.has(point)) return;
      const held = await points.held(point, session.id);
      if (time < times) points.arm(point, session.id);
      if (victim === 'worker') return;
      killHost(w, traveller, held);
      points.release(point, session.id);
    });
    if (victim === 'tool host') continue;
    await worker.end('SIGKILL');
    for (const { point, session } of travellers) points.release(point, session.id);
    worker = await w.worker();
  }
  for (const { point, session, label } of travellers) {
    points.disarm(point, session.id);
    w.note(`begin go-${label}`);
  }
  await each(async ({ point, handle }) => {
    const running = await handle;
    try {
      const end = await within(running.result(), END_MS);
      if (!ends.has(point)) ends.set(point, end);
    } catch (error) {
      await running.terminate('its test failed').catch(() => {});
      throw error;
    }
  });
  return { travellers, ends };
}

function killHost(w: World, { session }: Traveller, held: Held): void {
  const pid = held.kind === 'tool host' ? held.pid : toolHostPid(w.stateDir, session.id);
  process.kill(pid, 'SIGKILL');
}

/** Starts a session that waits before its failpoint until `gate` opens. */
function setOut(w: World, points: Failpoints, point: Failpoint, gate: Promise<void>): Traveller {
  const { road } = CRASH_CASES[point];
  if (road === undefined) throw new Error(`${point} has tests of its own`);
  const label = `${point}.caught`;
  const traveller: { ready: boolean } = { ready: road === 'first' };
  const session = w.session(async agent => {
    if (road !== 'first') await agent.call('effect', { label: `${point}.before`, ms: 1 });
    traveller.ready = true;
    await gate;
    points.arm(point, session.id);
    await act(agent, road, label);
  });
  const begin = () => w.begin(session.id, OPTIONS[road]);
  const handle = road === 'first' ? gate.then(begin) : begin();
  handle.catch(() => {});
  return Object.assign(traveller, { point, road, session, handle, label });
}

async function act(agent: Agent, road: Road, label: string): Promise<void> {
  switch (road) {
    case 'first':
    case 'next':
    case 'lease':
      await agent.call('effect', { label, ms: 1 });
      return;
    case 'busy':
    case 'stop':
    case 'report':
      await agent.call('meet', { label, others: road === 'busy' ? [`go-${label}`] : ['never'] });
      return;
    case 'large':
      await agent.call('large', { label, bytes: 300_000 });
      return;
    case 'rotation':
      // Whichever of them it catches: all are checked.
      for (let i = 0; i < 12; i++) await agent.call('effect', { label: `${label}${i}`, ms: 1 });
      return;
    case 'idle':
      return;
    default:
      road satisfies never;
  }
}

/** What else must be done from outside, so that the session comes to its point. */
async function lead(w: World, { road, session, label }: Traveller): Promise<void> {
  if (road !== 'busy' && road !== 'stop' && road !== 'report') return;
  await w.effect(`begin ${label}`);
  if (road === 'stop') {
    // The server does not close the call, so we are to tell what came of it (§2.8).
    session.setFaults({ interrupt_delay_ms: 'never' });
    session.send({ type: 'user.interrupt' });
  }
  if (road === 'report') process.kill(toolHostPid(w.stateDir, session.id), 'SIGKILL');
}

const TEXTS: Readonly<Record<Exclude<Outcome, 'done'>, RegExp>> = {
  unknown: /^The outcome of this \w+ call is not known: /,
  stopped: /^This \w+ call was stopped before it ended: /,
};

/** The ledger and the effects, against the words of design §10. */
function check(w: World, { session, label }: Traveller, end: SessionSummary, expected: Outcome): void {
  expect(end.state).toBe('done');
  const labels = session.ledger().calls.map(({ input }) => (input as { label: string }).label);
  const answers = answersOf(session);
  for (const [i, answer] of answers.entries()) {
    const its = labels[i] ?? '';
    const begun = w.effects().filter(line => line === `begin ${its}`).length;
    const want = its === label ? expected : 'done';
    const got = { call: its, posts: answer.posts, closedBy: answer.closedBy, ran: begun };
    // Doubled: never. Lost: never. What is posted as done was done.
    const ran = want === 'unknown' ? (begun === 0 ? 0 : 1) : 1;
    expect(got).toEqual({ call: its, posts: 1, closedBy: 'result', ran });
    if (want === 'done')
      expect({ call: its, isError: answer.isError, text: answer.text }).toMatchObject({ isError: false });
    else expect(answer.text).toMatch(TEXTS[want]);
  }
  expect(end.calls.map(({ id, state, posted }) => ({ id, state, posted }))).toEqual(
    answers.map(({ id }) => ({ id, state: 'settled', posted: true })),
  );
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
