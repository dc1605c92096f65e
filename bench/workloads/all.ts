import { agentTrace } from './agent-trace.ts';
import { finished } from './finished.ts';
import { fourCalls } from './four-calls.ts';
import { interrupt } from './interrupt.ts';
import { listening } from './listening.ts';
import { calls2000, calls10000 } from './long-session.ts';
import { sessions50, sessions200 } from './many-sessions.ts';
import { outage } from './outage.ts';
import { reconnect50k } from './reconnect.ts';
import { kill, sigterm } from './recovery.ts';
import { noOp, result64k, result1900k } from './serial.ts';
import type { Workload } from './workload.ts';

/** In the order in which they are run and shown. */
export const WORKLOADS: readonly Workload[] = [
  noOp,
  fourCalls,
  result64k,
  result1900k,
  agentTrace,
  sessions50,
  sessions200,
  calls2000,
  calls10000,
  reconnect50k,
  interrupt,
  kill,
  sigterm,
  outage,
  listening,
  finished,
];
