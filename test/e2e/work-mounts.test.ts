/** Skills and memory stores of a work item (behaviours.md 104 to 120), from the queue to the tool host and back. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MemoryStore } from '../../src/emulator/memory-store.ts';
import { textsOf } from './support/answers.ts';
import {
  endOf,
  environmentOf,
  inState,
  itemOf,
  queued,
  recordOf,
  requestsOf,
  withEnvironment,
} from './support/environment.ts';
import { eventually } from './support/eventually.ts';
import { toolHostPid } from './support/leftovers.ts';
import { sharedWorld, type World } from './support/world.ts';

const shared = sharedWorld(
  import.meta.url,
  withEnvironment({ leaseTtlMs: 60_000, env: { HOLDFAST_MEMORY_SYNC: '5s' } }),
);

const bash = (command: string) => ({ call: 'bash', input: { command } });

let stores = 0;

/** A store that sessions find in a folder of this world. */
function store(w: World, memories: Record<string, string>): { store: MemoryStore; path: string } {
  const path = join(w.folder, `memory-${stores++}`);
  return { store: w.emulator.createMemoryStore({ mountPath: path, memories }), path };
}

const attach = ({ id }: MemoryStore) => ({ resources: [{ type: 'memory_store', memory_store_id: id }] });

const contents = (memories: MemoryStore) =>
  Object.fromEntries(memories.all().map(({ path, content }) => [path, content]));

describe.concurrent('a session of a work item', () => {
  it('rows 104, 105, 119: its skills and memory are there for its first call, its edits are in the store at the end', async () => {
    const w = shared();
    const { store: memory, path } = store(w, { '/notes.md': 'old' });
    const skill = w.emulator.addSkill({ name: 'greet', files: { 'SKILL.md': 'say hello' } });
    const session = queued(
      w,
      [
        bash(`cat skills/greet/SKILL.md ${path}/notes.md; printf new > ${path}/made.md`),
        { call: 'write', input: { file_path: `${path}/notes.md`, content: 'edited' } },
      ],
      { ...attach(memory), agent: { skills: [skill] } },
    );
    expect(await endOf(w, session)).toMatchObject({ state: 'done' });
    expect(textsOf(session)[0]).toBe('say helloold');
    expect(contents(memory)).toEqual({ '/notes.md': 'edited', '/made.md': 'new' });
    expect(existsSync(path)).toBe(false);
    // The lease is kept until the memory is safe.
    const requests = w.emulator.requests();
    const stopped = requests.findIndex(r => r.route === 'work_stop' && r.work_id === itemOf(w, session).id);
    const saved = requests.findLastIndex(r => r.route === 'memory_update' && r.path.includes(memory.id));
    expect(saved).toBeGreaterThan(-1);
    expect(stopped).toBeGreaterThan(saved);
    const token = requestsOf(w, session).find(r => r.route === 'work_heartbeat')?.headers.authorization;
    const log = w.said() + JSON.stringify(await w.history(session.id));
    expect(log).not.toContain(token?.replace('Bearer ', '') ?? 'no token');
  });

  it('row 110: an item fails where the folder of its store is somebody else’s', async () => {
    const w = shared();
    const memory = w.emulator.createMemoryStore({ mountPath: w.folder, memories: { '/notes.md': 'old' } });
    const session = queued(w, [bash('echo never')], attach(memory));
    expect((await endOf(w, session)).reason).toMatch(/already exists/);
    expect(textsOf(session)[0]).toMatch(/was not started/);
    await inState(w, session, 'stopped');
    expect(existsSync(w.folder)).toBe(true);
  });

  it('keeps what a killed tool host had not synced', async () => {
    const w = shared();
    const { store: memory, path } = store(w, { '/notes.md': 'old' });
    const session = queued(
      w,
      [bash(`printf edited > ${path}/notes.md; sleep 60`), bash(`cat ${path}/notes.md`)],
      {
        ...attach(memory),
      },
    );
    await eventually(
      'the agent has written',
      () => existsSync(`${path}/notes.md`) && readFileSync(`${path}/notes.md`, 'utf8') === 'edited',
    );
    process.kill(toolHostPid(w.stateDir, session.id), 'SIGKILL');
    expect(await endOf(w, session)).toMatchObject({ state: 'done' });
    expect(textsOf(session)[1]).toMatch(/edited$/);
    expect(contents(memory)).toEqual({ '/notes.md': 'edited' });
    expect((await recordOf(w, session)).join('\n')).toContain('Kept unsynced edits');
  });

  it('a skill that cannot be had is a line of its record, nothing more', async () => {
    const w = shared();
    const missing = { type: 'custom', skill_id: 'skill_missing', version: 'latest' };
    const session = queued(w, [bash('echo fine')], { agent: { skills: [missing] } });
    expect(await endOf(w, session)).toMatchObject({ state: 'done' });
    expect(textsOf(session)).toEqual(['fine']);
    expect((await recordOf(w, session)).join('\n')).toContain('failed to download skill');
    expect(environmentOf(w).workOf(session.id)).toHaveLength(1);
  });
});

it('a store that cannot be read for a moment is asked for again by the same tool host', async context => {
  const w = shared();
  const { store: memory, path } = store(w, { '/notes.md': 'old' });
  w.emulator.setFaults({ fail: [{ route: 'memory_list', status: 503, times: 4 }] });
  context.onTestFinished(() => w.emulator.clearFaults());
  const session = queued(w, [bash(`cat ${path}/notes.md`)], attach(memory));
  expect(await endOf(w, session)).toMatchObject({ state: 'done' });
  expect(textsOf(session)).toEqual(['old']);
  const record = (await recordOf(w, session)).join('\n');
  expect(record).toContain('attached to the tool host');
  expect(record).not.toContain('started the tool host on its journal');
});

it('row 107: an item without a sessions token fails where its session has memory, and its calls are answered', async context => {
  const w = shared();
  const { store: memory } = store(w, { '/notes.md': 'old' });
  environmentOf(w).setFaults({ secret: 'tokenless' });
  context.onTestFinished(() => environmentOf(w).clearFaults());
  const session = queued(w, [bash('echo never')], attach(memory));
  const end = await endOf(w, session);
  expect(end).toMatchObject({ state: 'stopped', reason: expect.stringContaining('no sessions token') });
  expect(textsOf(session)[0]).toMatch(/was not started/);
  expect(itemOf(w, session).state).toBe('stopped');
});
