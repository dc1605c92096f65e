/**
 * OpenTelemetry spans, where an OTLP endpoint is set: one for each attempt at a tool call and for each lease of a work
 * item, with the names and attributes of the SDK's own (`execute_tool <name>`, `anthropic.environment.work`). Inputs and
 * results are not among them (I9).
 */
import { createHash } from 'node:crypto';
import {
  type Attributes,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { activityInfo, type Info } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { KeepLeaseInput } from './activities/keep-lease.ts';
import type { RunToolInput, RunToolResult } from './activities/run-tool.ts';
import { errorText } from './error-text.ts';

export interface Tracing {
  readonly interceptor: ActivityInterceptorsFactory;
  /** Sends what is left; takes at most `CLOSE_MS`, and never rejects. */
  close(): Promise<void>;
}

const CLOSE_MS = 5_000;

/**
 * The SDK of OpenTelemetry is loaded only here: who does not trace does not pay for it.
 *
 * @param endpoint `OTEL_EXPORTER_OTLP_ENDPOINT`; the exporter reads the other OTEL_* variables (headers) itself.
 */
export async function openTracing(endpoint: string): Promise<Tracing> {
  const [{ BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'holdfast' }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('holdfast');
  return {
    interceptor: () => ({
      inbound: { execute: (input, next) => traced(tracer, input.args[0], () => next(input)) },
    }),
    close: async () => {
      const late = new Promise(resolve => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown(), late]).catch(() => undefined);
    },
  };
}

async function traced(tracer: Tracer, input: unknown, run: () => Promise<unknown>): Promise<unknown> {
  const info = activityInfo();
  const span = spanOf(info, input);
  if (span === undefined) return run();
  const { name, attributes } = span;
  const started = tracer.startSpan(
    name,
    { kind: SpanKind.INTERNAL, attributes: { ...attributes, 'temporal.attempt': info.attempt } },
    parentOf(info),
  );
  try {
    const result = await run();
    const problem = problemIn(result);
    started.setStatus(
      problem === undefined ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: problem },
    );
    return result;
  } catch (error) {
    started.setStatus({ code: SpanStatusCode.ERROR, message: errorText(error) });
    throw error;
  } finally {
    started.end();
  }
}

function spanOf(info: Info, input: unknown): { name: string; attributes: Attributes } | undefined {
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
    default:
      return undefined;
  }
}

/** All spans of a run are in one trace, on whatever worker they were made: its ids follow from the run's. */
function parentOf({ workflowExecution }: Info) {
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const hash = createHash('sha256').update(`${workflowId}/${runId}`).digest('hex');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: hash.slice(0, 32),
    spanId: hash.slice(32, 48),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}

/** The outcome of a call may be an error although its activity did its work. */
function problemIn(result: unknown): string | undefined {
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
