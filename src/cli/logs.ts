/** A call's output, from the journal of this machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { Command } from 'commander';
import { askOnce, lineOf } from '../client/asking.ts';
import { readConfig } from '../config.ts';
import { type CallOutput, type OutputRequest, readCallOutput } from '../tool-host/call-output.ts';
import { callOf, callsOf } from './call-id.ts';
import { endWithReader } from './closed-pipe.ts';
import { catchEndingSignals } from './ending-signals.ts';
import { CliError } from './failure.ts';
import { sessionId } from './session-id.ts';
import { withTemporal } from './temporal-client.ts';

/** Milliseconds between two looks at the file, and between two questions whether more is to come. */
const LOOK_MS = 200;
const ASK_MS = 3_000;

interface Flags {
  readonly follow?: boolean;
  readonly json?: boolean;
}

const HELP = `
The output is read where the call runs: on the session's host, in the state folder of its worker (HOLDFAST_STATE_DIR),
also while the tool runs and after it has ended. CALL may be the beginning or the end of an id, if only one fits.

Examples:
  holdfast logs sesn_01ABC sevt_01DEF
  holdfast logs sesn_01ABC 1DEF --follow
`;

export function logsCommand(): Command {
  return new Command('logs')
    .description('print what a call has written so far')
    .argument('<session>', 'id of the session')
    .argument('<call>', 'id of the call, as `holdfast show` tells it')
    .option('-f, --follow', 'go on until the call has ended, or Ctrl-C')
    .option('--json', 'print one line of JSON per piece of the output')
    .addHelpText('after', HELP)
    .action(logs);
}

async function logs(session: string, wanted: string, flags: Flags): Promise<void> {
  endWithReader();
  const id = sessionId(session);
  const config = readConfig();
  const signals = catchEndingSignals();
  try {
    await withTemporal(config, async client => {
      const call = await callOf(client, id, wanted);
      const request = { stateDir: config.stateDir, sessionId: id, callId: call };
      if (flags.follow) await follow(client, request, flags, signals.signal);
      else await printAll({ ...request, host: await hostOf(client, id) }, flags);
    });
  } finally {
    signals.release();
  }
}

/** What is there now, piece by piece. */
async function printAll(request: OutputRequest, flags: Flags): Promise<void> {
  for (let from = 0; ; ) {
    const output = await readCallOutput({ ...request, from });
    if (output.kind !== 'output') throw refusal(output);
    if (from === 0 && output.bytes === 0 && !flags.json) {
      const words = output.complete ? 'no output is kept of this call' : 'nothing has been written yet';
      process.stderr.write(`${words}\n`);
    }
    if (output.next === from) return;
    print(request, output, flags);
    from = output.next;
  }
}

type Place = Omit<OutputRequest, 'host'>;

/** What has not started yet is waited for, while its session is served. */
async function follow(client: Client, place: Place, flags: Flags, signal: AbortSignal): Promise<void> {
  let host = await hostOf(client, place.sessionId);
  let asked = performance.now();
  let from = 0;
  while (!signal.aborted) {
    const output = await readCallOutput({ ...place, host, from });
    if (output.kind === 'output') {
      if (output.next > from) print(place, output, flags);
      if (output.complete) return;
      const grown = output.next > from;
      from = output.next;
      if (grown) continue;
    } else if (output.kind === 'other-host' || output.kind === 'unreadable') throw refusal(output);
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (performance.now() - asked < ASK_MS) continue;
    asked = performance.now();
    // Where its tool host was lost, no end will ever stand in the journal.
    if (await isOver(client, place)) {
      if (output.kind !== 'output') throw refusal(output);
      return;
    }
    host = await hostOf(client, place.sessionId).catch(() => host);
  }
}

function print(
  { sessionId, callId }: Place,
  output: Extract<CallOutput, { kind: 'output' }>,
  { json }: Flags,
): void {
  const { text, from, next, complete } = output;
  const line = { session: sessionId, call: callId, from, next, text, complete };
  process.stdout.write(json ? `${JSON.stringify(line)}\n` : text);
}

function refusal({ kind, reason }: Exclude<CallOutput, { kind: 'output' }>): CliError {
  return new CliError(reason, kind === 'no-call' || kind === 'no-journal' ? 2 : 1);
}

/** @throws CliError 2 for a session that Temporal does not know. */
async function hostOf(client: Client, id: string): Promise<string | null> {
  try {
    const { memo } = await askOnce(client, () => client.workflow.getHandle(id).describe());
    return typeof memo?.host === 'string' ? memo.host : null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError)
      throw new CliError(`no run of session ${id} is known; start it with: holdfast start ${id}`, 2);
    throw new CliError(`cannot ask where ${id} runs: ${lineOf(error)}`, 1);
  }
}

/** Nobody answers: then it is not known to be over. */
async function isOver(client: Client, { sessionId, callId }: Place): Promise<boolean> {
  const calls = await callsOf(client, sessionId).catch(() => undefined);
  const call = calls?.find(({ id }) => id === callId);
  return call !== undefined && ['settled', 'void', 'unowned'].includes(call.state);
}
