/** Decisions about held calls: taken in, told to the API, made by a deadline where nobody made one. */
import { nextDeadline, undecidedCalls, whyNotHeld } from '../session/approvals.ts';
import { type Decision, decisionWords } from '../session/decision.ts';
import { callOf } from '../session/state.ts';
import { answerConfirmationOf } from './activities.ts';
import type { ApprovalAccepted, ApprovalAnswer, HeldCall } from './messages.ts';
import type { Run } from './run.ts';
import { followPost } from './tool-calls.ts';
import { fitting } from './visible.ts';

/** Characters of a denial's message, and of a name: both stand in the history and in what the agent reads. */
const MESSAGE_CHARS = 10_000;
const NAME_CHARS = 200;

/** Whoever asks reads these words, so they say what to do. */
export function refuseAnswer(run: Run, answer: ApprovalAnswer): void {
  const { callId, result, message, by } = answer ?? {};
  if (typeof callId !== 'string' || callId === '') throw new Error('answerApproval needs callId');
  if (result !== 'allow' && result !== 'deny')
    throw new Error('answerApproval needs result: "allow" or "deny"');
  if (message !== undefined && (typeof message !== 'string' || message.length > MESSAGE_CHARS))
    throw new Error(`the message must be a text of at most ${MESSAGE_CHARS} characters`);
  if (message !== undefined && result === 'allow')
    throw new Error('a message goes with a denial only: the API takes none with an approval');
  if (by !== undefined && (typeof by !== 'string' || by.length > NAME_CHARS))
    throw new Error(`by must be a name of at most ${NAME_CHARS} characters`);
  const why = whyNotHeld(run.state, callId);
  if (why !== undefined) throw new Error(why);
}

export function takeAnswer(run: Run, { callId, result, message, by }: ApprovalAnswer): ApprovalAccepted {
  const said = message?.trim().toWellFormed();
  decide(run, callId, {
    result,
    ...(by === undefined || by.trim() === '' ? {} : { by: by.trim().toWellFormed() }),
    ...(said === undefined || said === '' ? {} : { message: said }),
  });
  return { accepted: true };
}

export function denyOverdue(run: Run, ids: readonly string[]): void {
  const limit = duration(run.options.approvalDeadlineMs ?? 0);
  for (const id of ids)
    decide(run, id, { result: 'deny', message: `nobody answered within ${limit}`, overdue: true });
}

function decide(run: Run, id: string, decision: Decision): void {
  const call = callOf(run.state, id);
  run.note(`${id} (${call?.summary ?? ''}): ${decisionWords(decision)}`);
  run.fold({ type: 'decided', id, decision });
}

/** The verdict counts when the server has it: its own event is folded, from the answer to our post or a read-back. */
export function confirmCall(run: Run, id: string, decision: Decision): void {
  run.fold({ type: 'confirming', id });
  const call = callOf(run.state, id);
  if (call === undefined) return;
  const { processedAt, firstSeenAt } = call;
  const { result, message } = decision;
  const told = message === undefined ? {} : { message };
  followPost(
    run,
    answerConfirmationOf(
      call,
      result,
    )({ ...run.session, callId: id, result, ...told, processedAt, firstSeenAt }).then(came => {
      switch (came.kind) {
        case 'known':
          run.fold(...came.events);
          return;
        case 'void':
        case 'refused':
          run.note(`the API took no verdict about ${id}: ${came.reason}`);
          run.fold({ type: 'unconfirmed', id, over: came.kind === 'void', reason: came.reason });
          return;
        default:
          came satisfies never;
      }
    }),
  );
}

export function heldCalls(run: Run): HeldCall[] {
  const deadlineMs = run.options.approvalDeadlineMs ?? 0;
  if (run.over !== undefined || run.failure !== undefined) return [];
  const held = undecidedCalls(run.state).map(call => ({
    session: run.sessionId,
    call: call.id,
    type: call.type,
    name: call.name,
    summary: call.summary,
    input: call.input ?? null,
    thread: call.thread,
    owned: call.owned ?? null,
    since: new Date(call.firstSeenAt).toISOString(),
    deadline:
      deadlineMs > 0 && call.refusal === undefined
        ? new Date(call.firstSeenAt + deadlineMs).toISOString()
        : null,
  }));
  return fitting(held);
}

/** When the next held call is overdue, Unix ms. */
export function approvalDue(run: Run): number | undefined {
  return nextDeadline(run.state, run.options.approvalDeadlineMs ?? 0);
}

function duration(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
}
