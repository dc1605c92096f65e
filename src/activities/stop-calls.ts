import { failpoint } from '../failpoint.ts';
import type { Workspace } from '../workflows/run-input.ts';
import type { Hosts } from './hosts.ts';
import { keepAlive } from './keep-alive.ts';

export interface StopCallsInput {
  readonly sessionId: string;
  readonly workspace: Workspace;
  readonly ids: readonly string[];
  readonly reason: string;
}

export interface StopCallsResult {
  /** For the session's record, one sentence a call. */
  readonly notes: readonly string[];
}

/**
 * Ends the tools of these calls now (I10): their process groups and all that they started. Each call's own
 * `runTool` brings the outcome; this only tells what was done.
 */
export function createStopCalls({ hosts }: { readonly hosts: Hosts }) {
  return async function stopCalls(input: StopCallsInput): Promise<StopCallsResult> {
    return keepAlive(async signal => {
      await failpoint('stop.begun', input.sessionId);
      const host = hosts.client(input.sessionId, input.workspace);
      const notes = await Promise.all(
        input.ids.map(async id => {
          const answer = await host.stop(id, input.reason, signal);
          switch (answer.kind) {
            case 'stopped': {
              const left = answer.outcome.kind === 'stopped' ? answer.outcome.evidence.survivors : [];
              return left.length === 0
                ? `stopped ${id}: ${input.reason}`
                : `stopped ${id}: ${input.reason}; could not end ${left.join(', ')}`;
            }
            case 'already-ended':
              return `${id} had ended by itself when it was to be stopped`;
            case 'not-started':
              return `${id} had not started and will not`;
            case 'no-host':
            case 'host-lost':
              return `${id} could not be stopped: ${answer.reason}`;
            default:
              return answer satisfies never;
          }
        }),
      );
      await failpoint('stop.answered', input.sessionId);
      return { notes };
    });
  };
}
