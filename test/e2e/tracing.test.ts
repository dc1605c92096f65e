/** Spans, as a collector gets them (behaviours.md 160). */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, type TestContext } from 'vitest';
import { endOf, itemOf, queued, withEnvironment } from './support/environment.ts';
import { world } from './support/world.ts';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface Export {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly Span[] }[] }[];
}

/** Takes OTLP over HTTP as JSON. */
async function collector(context: TestContext) {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push(Buffer.concat(chunks).toString());
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  context.onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const spans = () =>
    bodies.flatMap(body =>
      (JSON.parse(body) as Export).resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(scope => scope.spans),
      ),
    );
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, spans };
}

const attributeOf = (span: Span | undefined, key: string) =>
  span?.attributes.find(attribute => attribute.key === key)?.value.stringValue;

it('row 160: a span for each tool call and each work item, in one trace for a run, without inputs or results', async context => {
  const { address, bodies, spans } = await collector(context);
  const w = await world(context, withEnvironment({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: address } }));
  const worker = await w.worker();
  const session = queued(w, [
    { call: 'bash', input: { command: 'echo planted-input' } },
    { call: 'read', input: { file_path: 'not-there' } },
  ]);
  expect(await endOf(w, session)).toMatchObject({ state: 'done' });
  const { id } = itemOf(w, session);
  // What has not been sent by then is sent at a worker's end.
  await worker.end('SIGTERM');
  expect(new Set(spans().map(({ name }) => name))).toEqual(
    new Set([
      ...['execute_tool bash', 'execute_tool read', 'anthropic.environment.work'],
      ...['holdfast.session', 'holdfast.open_workspace', 'holdfast.post_results'],
    ]),
  );
  expect(new Set(spans().map(({ traceId }) => traceId)).size).toBe(1);
  const named = (name: string) => spans().find(span => span.name === name);
  const root = named('holdfast.session');
  expect(root?.parentSpanId ?? '').toBe('');
  const others = spans().filter(({ spanId }) => spanId !== root?.spanId);
  expect(new Set(others.map(span => span.parentSpanId))).toEqual(new Set([root?.spanId]));
  for (const span of spans()) expect(attributeOf(span, 'anthropic.session.id')).toBe(session.id);
  expect(JSON.stringify(named('holdfast.post_results'))).toContain(
    attributeOf(named('execute_tool bash'), 'gen_ai.tool.call.id'),
  );
  expect(named('execute_tool bash')?.status.code).toBe(1);
  expect(attributeOf(named('execute_tool bash'), 'anthropic.session.id')).toBe(session.id);
  expect(named('execute_tool read')?.status).toEqual({ code: 2, message: 'the tool answered with an error' });
  expect(attributeOf(named('anthropic.environment.work'), 'anthropic.environment.work.id')).toBe(id);
  expect(bodies.join()).not.toMatch(/planted-input|sk-ant-/);
});
