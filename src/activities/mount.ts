/** Mounts the skills and memory stores of a session that runs for a work item, in its tool host (api.md §1.8). */
import { ApplicationFailure } from '@temporalio/common';
import type { SessionFeed } from '../anthropic/session-feed.ts';
import type { MountRequest } from '../tool-host/mount-protocol.ts';
import { MOUNT_FAILED } from '../workflows/messages.ts';
import type { Workspace } from '../workflows/run-input.ts';
import type { Hosts } from './hosts.ts';
import { sessionToken } from './session-credential.ts';

export interface MountSettings
  extends Pick<MountRequest, 'baseURL' | 'headers' | 'memorySyncMs' | 'memoryDeletions'> {}

export interface MountDeps {
  readonly hosts: Hosts;
  readonly feed: SessionFeed;
  readonly mounts: MountSettings;
}

/**
 * @returns sentences for the session's record.
 * @throws `MountFailed` (final, since the agent was told of a folder that is not there) · `MountUnavailable` (retryable: the API or the tool host was away).
 */
export async function mount(
  { hosts, feed, mounts }: MountDeps,
  sessionId: string,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const token = sessionToken();
  if (token === null) {
    // The memory endpoints reject every other credential, and skills alone are not worth a warning a session.
    if (mounts.memorySyncMs === null) return [];
    const { memoryStores } = await feed.retrieve(sessionId, signal);
    if (memoryStores === 0) return ['skills are not set up: the work item carried no sessions token'];
    throw failure(
      MOUNT_FAILED,
      'the memory stores of the session cannot be mounted: the work item carried no sessions token; ' +
        'HOLDFAST_MEMORY_SYNC=0 runs without memory',
    );
  }
  const answer = await hosts.client(sessionId, workspace).mount({ ...mounts, sessionId, token }, signal);
  switch (answer.kind) {
    case 'mounted':
      return answer.notes;
    case 'failed':
      throw failure(MOUNT_FAILED, answer.reason);
    case 'unavailable':
    case 'no-host':
    case 'host-lost':
      throw failure('MountUnavailable', `skills and memory stores are not mounted yet: ${answer.reason}`);
    default:
      return answer satisfies never;
  }
}

/** Before the last sync: the token that a host has may be of an older work item. Never throws. */
export async function renewToken(
  { hosts, mounts }: Pick<MountDeps, 'hosts' | 'mounts'>,
  sessionId: string,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<void> {
  const token = sessionToken();
  if (token === null) return;
  const request = { ...mounts, sessionId, token, renewOnly: true } as const;
  await hosts
    .client(sessionId, workspace)
    .mount(request, signal)
    .catch(() => undefined);
}

function failure(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: type === MOUNT_FAILED });
}
