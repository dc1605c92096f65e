/**
 * For backends: start a session's workflow, follow its calls, and answer what it asks a person. Loads no worker:
 * only `durableToolRunner` brings one, when it is used.
 */
export { HoldfastError, type Patience } from './client/asking.ts';
export type { CallContent, CallInput, CallResult } from './client/call-content.ts';
export { dataConverter } from './client/converter.ts';
export {
  type ApiClient,
  type DurableToolRunnerOptions,
  durableToolRunner,
} from './client/durable-tool-runner.ts';
export type { FollowOptions } from './client/follow-calls.ts';
export {
  type ApprovalTaken,
  answerApproval,
  type HeldCalls,
  heldCalls,
  heldCallsOf,
} from './client/held-calls.ts';
export { summaryOfRun } from './client/run-end.ts';
export type { SessionCall } from './client/session-call.ts';
export type { Approvals, CallsOptions, SessionHandle } from './client/session-handle.ts';
export { attach, type ConnectOptions, type StartOptions, start } from './client/sessions.ts';
export { startSession } from './client/start-session.ts';
export { type StopOptions, type Stopped, stopSession } from './client/stop-session.ts';
export { disconnect } from './client/temporal.ts';
export type {
  ApprovalAnswer,
  CallRecord,
  HeldCall,
  SessionStatus,
  SessionSummary,
} from './workflows/messages.ts';
export type { Notice, NoticeType } from './workflows/notice.ts';
export type { RunOptions } from './workflows/run-input.ts';
