/** The end of a world: all that was started is ended by pid, and what should not be there any more is a failure. */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyOf, runIdsOf } from './history.ts';
import { describeAll, isAlive, toolProcesses } from './leftovers.ts';
import type { World } from './world.ts';

/** A worker lets go of everything at once (design §5); the rest is a loaded machine. */
const WORKER_END_MS = 20_000;
/** A killed process may take this long to leave the process table. */
const GONE_MS = 3_000;

/** @throws Error naming every process, running workflow and failed expectation that was left. */
export async function closeAll(world: World): Promise<void> {
  const problems: string[] = [];
  try {
    problems.push(...(await stillRunning(world)), ...(await failedTasks(world)));
  } finally {
    problems.push(...(await endProcesses(world)));
    problems.push(...(await endTools(world.stateDirs)));
    for (const session of world.sessions) problems.push(...session.ledger().failures);
    await world.emulator.close();
    await world.client.connection.close();
    await rm(world.folder, { recursive: true, force: true, maxRetries: 3 });
  }
  if (problems.length > 0) throw new Error(`left behind:\n${problems.join('\n')}`);
}

/** Every test ends its sessions: else nothing of their hosts could be told from a leak. */
async function stillRunning({ client, sessions }: World): Promise<string[]> {
  const states = await Promise.all(
    sessions.map(async ({ id }) => {
      const status = await client.workflow
        .getHandle(id)
        .describe()
        .then(
          described => described.status.name,
          () => 'NEVER STARTED',
        );
      return status === 'RUNNING' ? [`the workflow of ${id} still runs`] : [];
    }),
  );
  return states.flat();
}

/** A workflow task that fails is nondeterminism or a bug, even if its retry hides it. */
async function failedTasks({ client, sessions, meant }: World): Promise<string[]> {
  const found: string[] = [];
  for (const { id } of sessions) {
    for (const runId of await runIdsOf(client, id)) {
      const { failedTasks } = await historyOf(client, id, runId);
      const odd = failedTasks.filter(message => !meant?.test(message));
      found.push(...odd.map(message => `a workflow task of ${id} failed: ${message}`));
    }
  }
  return found;
}

async function endProcesses({ processes }: World): Promise<string[]> {
  const living = processes.filter(process => !process.ended);
  const ends = await Promise.all(
    living.map(async process => {
      const name = `holdfast ${process.args.join(' ')}`;
      const ended = await process.endWithin('SIGTERM', WORKER_END_MS);
      return [
        ...(ended ? [] : [`${name} did not end within ${WORKER_END_MS} ms of SIGTERM`]),
        // Commands end by themselves; only workers and servers are for us to end.
        ...(/^(worker|up|emulator)$/.test(process.args[0] ?? '') ? [] : [`${name} was still running`]),
      ];
    }),
  );
  return ends.flat();
}

async function endTools(stateDirs: readonly string[]): Promise<string[]> {
  const find = () => stateDirs.flatMap(toolProcesses);
  const deadline = Date.now() + GONE_MS;
  while (find().length > 0 && Date.now() < deadline) await sleep(25);
  const left = find();
  if (left.length === 0) return [];
  const problem = `processes of tool hosts: ${describeAll(left)}`;
  for (const pid of left) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  return [problem];
}
