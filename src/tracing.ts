/**
 * OpenTelemetry spans, where an OTLP endpoint is set: one for each attempt at a tool call and for each lease of a work
 * item, with the names and attributes of the SDK's own (`execute_tool <name>`, `anthropic.environment.work`), and our own
 * for what surrounds them. Inputs and results are not among them (I9).
 */
import { createHash, randomBytes } from 'node:crypto';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from '@opentelemetry/api';
import { activityInfo, type Info } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { ListenInput } from './activities/listen.ts';
import type { OpenWorkspaceResult } from './activities/open-workspace.ts';
import { errorText } from './error-text.ts';
import { problemIn, spanOf } from './spans.ts';

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
  const ids = createIds();
  const provider = new TracerProvider({
    idGenerator: ids,
    resource: resourceFromAttributes({ 'service.name': 'holdfast' }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('holdfast');
  return {
    interceptor: () => ({
      inbound: {
        execute(input, next) {
          beginTrace(tracer, ids, input.args[0]);
          return traced(tracer, input.args[0], () => next(input));
        },
      },
    }),
    close: async () => {
      const late = new Promise(resolve => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown(), late]).catch(() => undefined);
    },
  };
}

/** Ids of chance, but for a root span that is to have its own: it is started right after `next`, and takes both. */
function createIds() {
  let traceIds: string[] = [];
  let spanIds: string[] = [];
  return {
    next({ traceId, spanId }: { readonly traceId: string; readonly spanId: string }): void {
      traceIds = [traceId];
      spanIds = [spanId];
    },
    generateTraceId: () => traceIds.pop() ?? randomBytes(16).toString('hex'),
    generateSpanId: () => spanIds.pop() ?? randomBytes(8).toString('hex'),
  };
}

/** A run's first listener makes the span that all others of the run name as their parent. */
function beginTrace(tracer: Tracer, ids: ReturnType<typeof createIds>, input: unknown): void {
  const info = activityInfo();
  if (info.activityType !== 'listen' || info.activityId !== 'listen/1' || info.attempt > 1) return;
  const { sessionId } = input as ListenInput;
  ids.next(idsOf(info));
  const attributes = { 'gen_ai.provider.name': 'anthropic', 'anthropic.session.id': sessionId };
  tracer.startSpan('holdfast.session', { root: true, attributes }).end();
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
    const { workspace } = (result ?? {}) as Partial<OpenWorkspaceResult>;
    if (workspace !== undefined) started.setAttribute('holdfast.host', workspace.host);
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

/** All spans of a run are in one trace, on whatever worker they were made: its ids follow from the run's. */
function idsOf({ workflowExecution }: Info) {
  const { workflowId = '', runId = '' } = workflowExecution ?? {};
  const hash = createHash('sha256').update(`${workflowId}/${runId}`).digest('hex');
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) };
}

function parentOf(info: Info) {
  return trace.setSpanContext(ROOT_CONTEXT, {
    ...idsOf(info),
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
  });
}
