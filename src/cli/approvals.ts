/** Calls that wait for a person: list, allow, deny, watch. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Command } from 'commander';
import { answerApproval, type HeldCalls, heldCalls } from '../client.ts';
import { readConfig } from '../config.ts';
import { errorLine } from '../error-text.ts';
import { oneLine } from '../session/summary.ts';
import { userName } from '../user-name.ts';
import type { HeldCall } from '../workflows/messages.ts';
import { endWithReader } from './closed-pipe.ts';
import { catchEndingSignals } from './ending-signals.ts';
import { CliError } from './failure.ts';
import { sessionId } from './session-id.ts';
import { table } from './table.ts';
import { withTemporal } from './temporal-client.ts';

/** Milliseconds between two looks of `watch`. */
const LOOK_MS = 1_000;

interface Output {
  readonly json?: boolean;
}

interface Answer extends Output {
  readonly by?: string;
  readonly message?: string;
}

export function approvalsCommand(): Command {
  return new Command('approvals')
    .description('list, allow or deny the calls that wait for a person')
    .addCommand(listCommand())
    .addCommand(answerCommand('allow', 'let a held call run'))
    .addCommand(
      answerCommand('deny', 'keep a held call from running; the agent is told').option(
        '--message <text>',
        'why, for the agent',
      ),
    )
    .addCommand(watchCommand())
    .addHelpText(
      'after',
      '\nExamples:\n  holdfast approvals list\n  holdfast approvals allow sesn_01ABC sevt_01DEF\n' +
        '  holdfast approvals deny sesn_01ABC sevt_01DEF --message "not on a Friday"',
    );
}

function listCommand(): Command {
  return new Command('list')
    .description('the calls of all sessions that wait for an approval now')
    .option('--json', 'print one line of JSON per call, with its input')
    .action(list);
}

function answerCommand(result: 'allow' | 'deny', description: string): Command {
  return new Command(result)
    .description(description)
    .argument('<session>', 'id of the session')
    .argument('<call>', 'id of the call, as `holdfast approvals list` shows it')
    .option('--by <name>', 'who decides, for the record (default: your user name)')
    .option('--json', 'print one line of JSON')
    .action((session: string, call: string, flags: Answer) => answer(result, session, call, flags));
}

function watchCommand(): Command {
  return new Command('watch')
    .description('print each call that waits for an approval, as it comes, until Ctrl-C')
    .option('--json', 'print one line of JSON per call, with its input')
    .action(watch);
}

async function list(flags: Output): Promise<void> {
  await withTemporal(readConfig(), async client => {
    const held = await read(client);
    if (flags.json) for (const call of held.calls) print(call);
    else if (held.calls.length > 0) process.stdout.write(`${heldTable(held.calls)}\n`);
    else if (held.unanswered.length === 0) process.stdout.write('no call waits for an approval\n');
    for (const { session, reason } of held.unanswered)
      process.stderr.write(`cannot ask ${session}: ${errorLine(reason)}; does a worker run?\n`);
    if (held.unanswered.length > 0) process.exitCode = 1;
  });
}

async function answer(result: 'allow' | 'deny', session: string, call: string, flags: Answer): Promise<void> {
  const id = sessionId(session);
  const { message, by = userName(), json } = flags;
  await withTemporal(readConfig(), async client => {
    const said = {
      ...{ callId: call, result },
      ...(by === undefined ? {} : { by }),
      ...(message === undefined ? {} : { message }),
    };
    const taken = await answerApproval(client, id, said).catch(error => {
      throw new CliError(`no answer of ${id}: ${errorLine(error)}; does a worker run? (holdfast worker)`, 1);
    });
    switch (taken.kind) {
      case 'accepted':
        if (json) print({ session: id, call, result });
        else process.stdout.write(`${result === 'allow' ? 'allowed' : 'denied'} ${call} of ${id}\n`);
        return;
      case 'rejected':
        throw new CliError(oneLine(taken.reason), 2);
      case 'not-served':
        throw new CliError(`session ${id} is not served now; start it with: holdfast start ${id}`, 2);
      default:
        taken satisfies never;
    }
  });
}

async function watch(flags: Output): Promise<void> {
  endWithReader();
  const signals = catchEndingSignals();
  try {
    await withTemporal(readConfig(), async client => {
      if (!flags.json) process.stderr.write('watching for calls that wait for an approval; Ctrl-C ends it\n');
      const shown = new Set<string>();
      while (!signals.signal.aborted) {
        // An outage is no end of a watch: what waits will be there after it.
        const { calls } = await read(client).catch(() => ({ calls: [] }));
        for (const call of calls) {
          const key = `${call.session} ${call.call}`;
          if (shown.has(key)) continue;
          shown.add(key);
          if (flags.json) print(call);
          else
            process.stdout.write(
              `${call.since}  ${call.session} ${oneLine(call.call)}  ${oneLine(call.summary)}\n`,
            );
        }
        await sleep(LOOK_MS, undefined, { signal: signals.signal }).catch(() => undefined);
      }
    });
  } finally {
    signals.release();
  }
}

async function read(client: Client): Promise<HeldCalls> {
  try {
    return await heldCalls(client);
  } catch (error) {
    throw new CliError(`cannot list sessions: ${errorLine(error)}`, 1);
  }
}

function heldTable(calls: readonly HeldCall[]): string {
  const head = ['SESSION', 'CALL', 'WANTS', 'SINCE', 'DEADLINE'];
  return table(
    head,
    calls.map(({ session, call, summary, since, deadline }) => [
      session,
      oneLine(call),
      oneLine(summary),
      since,
      deadline ?? '–',
    ]),
  );
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
