/** The answer that a finished call is posted with. */
import { type ContentBlock, textBlock } from './answers.ts';
import { interruptedReport, stoppedReport } from './report.ts';
import type { Call } from './state.ts';

interface Reply {
  readonly isError: boolean;
  readonly content: readonly ContentBlock[];
}

/** Undefined for a call that has no answer of ours in the state (not finished, or stored on its host). */
export function replyOf(call: Call): Reply | undefined {
  const reply = answerOf(call);
  if (reply === undefined || call.notice === undefined) return reply;
  return { ...reply, content: [...reply.content, textBlock(call.notice)] };
}

function answerOf(call: Call): Reply | undefined {
  if (call.phase.kind !== 'finished') return undefined;
  const outcome = call.phase.outcome;
  switch (outcome.kind) {
    case 'answered':
      return { isError: outcome.isError, content: outcome.content };
    case 'stored':
      return undefined;
    case 'stopped': {
      const why =
        call.halt?.by === 'interrupt' ? 'the user interrupted the session' : 'the session was stopped';
      return report(stoppedReport(call.name, why, outcome.evidence, outcome.starts));
    }
    case 'unknown':
      return report(interruptedReport(call.name, outcome.reason, outcome.evidence, outcome.starts));
    default:
      return outcome satisfies never;
  }
}

function report(text: string): Reply {
  return { isError: true, content: [textBlock(text)] };
}
