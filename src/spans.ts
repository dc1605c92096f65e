/** Which activities have a span, what it is called and what it tells. */
import type { Attributes } from '@opentelemetry/api';
import type { Info } from '@temporalio/activity';
import type { AnswerConfirmationInput } from './activities/answer-confirmation.ts';
import type { KeepLeaseInput } from './activities/keep-lease.ts';
import type { OpenWorkspaceInput } from './activities/open-workspace.ts';
import type { PostResultsInput } from './activities/post-results.ts';
import type { PostStoredInput } from './activities/post-stored.ts';
import type { RunToolInput, RunToolResult } from './activities/run-tool.ts';

/** Undefined for an activity without one. @param input its first argument. */
export function spanOf(info: Info, input: unknown): { name: string; attributes: Attributes } | undefined {
  switch (info.activityType) {
    case 'runTool': {
      const { sessionId, call } = input as RunToolInput;
      return {
        name: `execute_tool ${call.name}`,
        attributes: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.provider.name': 'anthropic',
          'gen_ai.tool.name': call.name,
          'gen_ai.tool.call.id': call.id,
          'anthropic.session.id': sessionId,
        },
      };
    }
    case 'keepLease': {
      const { sessionId, environmentId, workId } = input as KeepLeaseInput;
      return {
        name: 'anthropic.environment.work',
        attributes: {
          'gen_ai.provider.name': 'anthropic',
          'anthropic.environment.id': environmentId,
          'anthropic.environment.work.id': workId,
          'anthropic.session.id': sessionId,
        },
      };
    }
    case 'postResults': {
      const { sessionId, results } = input as PostResultsInput;
      return own('post_results', sessionId, { 'holdfast.call.ids': results.map(({ id }) => id) });
    }
    case 'postStored': {
      const { sessionId, call } = input as PostStoredInput;
      return own('post_results', sessionId, { 'holdfast.call.ids': [call.id] });
    }
    case 'answerConfirmation': {
      const { sessionId, callId } = input as AnswerConfirmationInput;
      return own('confirm', sessionId, { 'gen_ai.tool.call.id': callId });
    }
    case 'openWorkspace':
      return own('open_workspace', (input as OpenWorkspaceInput).sessionId, {});
    default:
      return undefined;
  }
}

function own(name: string, sessionId: string, attributes: Attributes) {
  return {
    name: `holdfast.${name}`,
    attributes: { 'gen_ai.provider.name': 'anthropic', 'anthropic.session.id': sessionId, ...attributes },
  };
}

/** The outcome of a call may be an error although its activity did its work. */
export function problemIn(result: unknown): string | undefined {
  const { kind, outcome, reason } = (result ?? {}) as Partial<Extract<RunToolResult, { kind: 'outcome' }>> & {
    reason?: string;
  };
  if (kind === 'outcome' && outcome !== undefined) {
    if (outcome.kind === 'answered' || outcome.kind === 'stored')
      return outcome.isError ? 'the tool answered with an error' : undefined;
    return `the call is ${outcome.kind}`;
  }
  return reason;
}
