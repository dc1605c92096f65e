/** What a running session hears: signals, updates, queries. Handlers only record; the steps act on it. */
import { setHandler } from '@temporalio/workflow';
import type { ServedTool } from '../session/served-tool.ts';
import { heldCalls, refuseAnswer, takeAnswer } from './approvals.ts';
import {
  adoptWorkUpdate,
  answerApprovalUpdate,
  callsAfterQuery,
  callsQuery,
  eventsSignal,
  heldQuery,
  statusQuery,
  stopUpdate,
  type ToolsChange,
  toolsSignal,
  type Wake,
  wakeSignal,
} from './messages.ts';
import type { Run } from './run.ts';
import { callDetails, callsAfter, statusOf } from './visible.ts';
import { adoptWork, refuseWork, requestStop } from './work-item-keeping.ts';

export function handleMessages(run: Run): void {
  setHandler(eventsSignal, batch => run.receive(batch));
  setHandler(wakeSignal, wake => {
    run.options = { ...run.options, ...limitsOf(wake) };
    run.fold({ type: 'woken' });
  });
  setHandler(toolsSignal, change => {
    const tools = toolsOf(change);
    if (tools === undefined || isSame(tools, run.state.tools)) return;
    run.note(`the tools are now ${tools.map(tool => tool.name).join(', ')}`);
    run.fold({ type: 'tools', tools });
  });
  setHandler(
    stopUpdate,
    ({ graceMs, reason }) => {
      run.note(`asked to stop: ${reason}`);
      requestStop(run, graceMs, reason);
      return { stopping: true } as const;
    },
    {
      validator: request => {
        if (typeof request?.graceMs !== 'number' || !(request.graceMs >= 0))
          throw new Error('stop needs graceMs: how many milliseconds running calls may still take');
        if (typeof request.reason !== 'string') throw new Error('stop needs a reason');
      },
    },
  );
  setHandler(answerApprovalUpdate, answer => takeAnswer(run, answer), {
    validator: answer => refuseAnswer(run, answer),
  });
  setHandler(adoptWorkUpdate, item => adoptWork(run, item), {
    validator: item => refuseWork(run, item),
  });
  setHandler(heldQuery, () => heldCalls(run));
  setHandler(statusQuery, () => statusOf(run));
  setHandler(callsQuery, () => callDetails(run));
  setHandler(callsAfterQuery, asked => callsAfter(run, asked));
}

/** A signal may come from anybody: only what makes sense counts. */
function limitsOf(wake: Wake | undefined): Wake {
  const { maxIdleMs, maxDurationMs, approvalDeadlineMs } = wake ?? {};
  return {
    ...(isLimit(maxIdleMs) ? { maxIdleMs } : {}),
    ...(isLimit(maxDurationMs) ? { maxDurationMs } : {}),
    ...(isLimit(approvalDeadlineMs) ? { approvalDeadlineMs } : {}),
  };
}

function toolsOf(change: ToolsChange | undefined): readonly ServedTool[] | undefined {
  const tools: unknown = change?.tools;
  if (!Array.isArray(tools)) return undefined;
  const usable = tools.every(
    tool => typeof tool?.name === 'string' && isLimit(tool.timeoutMs) && Array.isArray(tool.locks),
  );
  return usable ? tools : undefined;
}

/** An edit of what tools do is told too, and is none of a run's business. */
function isSame(tools: readonly ServedTool[], known: readonly ServedTool[] | undefined): boolean {
  return JSON.stringify(tools) === JSON.stringify(known);
}

function isLimit(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}
