/**
 * Secrets are planted wherever a deployment has one, sessions are put through failures, and everything that somebody may
 * read later is searched for them (I9): histories, logs, metrics, spans, notices, pages, command lines, files, errors.
 */
import { randomBytes } from 'node:crypto';
import type { WorkflowFailedError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { expect, it } from 'vitest';
import { deliver, eventBody } from '../support/delivery.ts';
import { textsOf } from './support/answers.ts';
import { type Canaries, commandLines, filesBelow, leaksIn, proc } from './support/canaries.ts';
import { ENVIRONMENT, endOf, itemOf, queued, requestsOf } from './support/environment.ts';
import { eventually } from './support/eventually.ts';
import { closedPort } from './support/failing.ts';
import { toolHostPid, toolProcesses } from './support/leftovers.ts';
import { openSink } from './support/sink.ts';
import { type World, world } from './support/world.ts';

const planted = (what: string) => `planted-${what}-${randomBytes(8).toString('hex')}`;
const signing = (what: string) => `whsec_${Buffer.from(planted(what)).toString('base64')}`;
/** 32 bytes that are text, so that they are found as bytes as well. */
const keyBytes = () => randomBytes(16).toString('hex');

it('the search finds a secret in each form that gives it back', () => {
  const secret = planted('key');
  const bytes = Buffer.from(secret);
  const surfaces = new Map<string, string | Uint8Array>([
    ['text', `a ${secret} b`],
    ['JSON', JSON.stringify({ error: secret })],
    ['query', `?k=${encodeURIComponent(secret)}`],
    ['hex', bytes.toString('hex')],
    ['bytes', Buffer.concat([Buffer.from([0, 255]), bytes])],
    ...[0, 1, 2].map(
      n => [`base64 ${n}`, Buffer.from(`${'x'.repeat(n)}${secret}y`).toString('base64')] as const,
    ),
    ['base64url', Buffer.from(`user:${secret}`).toString('base64url')],
    ['payload', JSON.stringify({ data: Buffer.from(`{"a":"${secret}"}`).toString('base64') })],
    ['clean', 'nothing of it'],
  ]);
  const found = leaksIn(surfaces, { key: secret });
  expect(found).toEqual([...surfaces.keys()].filter(name => name !== 'clean').map(name => `key in ${name}`));
});

/** What the server stores and answers, in the two forms in which it travels. */
async function storedOf(w: World, id: string): Promise<[string, string | Uint8Array][]> {
  const handle = w.client.workflow.getHandle(id);
  const { namespace } = w.client.options;
  const execution = { workflowId: id };
  const service = w.client.workflowService;
  const raw = await service.getWorkflowExecutionHistory({ namespace, execution });
  const wire = raw.constructor as unknown as { encode(message: unknown): { finish(): Uint8Array } };
  return [
    [`history of ${id}`, historyToJSON(await handle.fetchHistory())],
    [`raw history of ${id}`, wire.encode(raw).finish()],
    [
      `description of ${id}`,
      JSON.stringify(await service.describeWorkflowExecution({ namespace, execution })),
    ],
    [
      `row of ${id}`,
      JSON.stringify(await service.listWorkflowExecutions({ namespace, query: `WorkflowId = '${id}'` })),
    ],
    [`queries of ${id}`, JSON.stringify([await w.status(id), await w.calls(id)])],
  ];
}

it('a planted secret is found in nothing that is written, shown or sent', async context => {
  const secrets = {
    'API key': planted('sk-ant-api'),
    'environment key': planted('sk-ant-oat'),
    'proxy header': planted('header'),
    'collector header': planted('collector'),
    'own key': keyBytes(),
    'old key': keyBytes(),
    'webhook key': signing('webhook'),
    'notify secret': signing('notify'),
    'notify password': planted('password'),
    'notify path': planted('path'),
    'console token': planted('console'),
    'codec token': planted('codec'),
    'variable of the worker': planted('variable'),
    'variable of tools': planted('passed'),
  };
  const sink = await openSink(context);
  const metrics = `127.0.0.1:${await closedPort()}`;
  const w = await world(context, {
    apiKeys: [secrets['API key']],
    environments: [{ id: ENVIRONMENT, keys: [secrets['environment key']], leaseTtlMs: 60_000 }],
    env: {
      ANTHROPIC_API_KEY: secrets['API key'],
      ANTHROPIC_ENVIRONMENT_ID: ENVIRONMENT,
      ANTHROPIC_ENVIRONMENT_KEY: secrets['environment key'],
      ANTHROPIC_CUSTOM_HEADERS: `X-Proxy: ${secrets['proxy header']}`,
      ANTHROPIC_WEBHOOK_SIGNING_KEY: secrets['webhook key'],
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${sink.address}`,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secrets['collector header']}`,
      HOLDFAST_KEY: Buffer.from(secrets['own key']).toString('base64'),
      HOLDFAST_OLD_KEYS: Buffer.from(secrets['old key']).toString('hex'),
      HOLDFAST_METRICS: metrics,
      HOLDFAST_NOTIFY_URL: `http://duty:${secrets['notify password']}@${sink.address}/${secrets['notify path']}`,
      HOLDFAST_NOTIFY_SECRET: secrets['notify secret'],
      HOLDFAST_CONSOLE_TOKEN: secrets['console token'],
      HOLDFAST_CODEC_TOKEN: secrets['codec token'],
      HOLDFAST_TOOL_ENV: 'EFFECTS,PLANTED_FOR_TOOLS',
      PLANTED_FOR_TOOLS: secrets['variable of tools'],
      PLANTED_FOR_WORKER: secrets['variable of the worker'],
    },
  });
  const worker = await w.worker('--max-idle', '700ms');
  const surfaces = new Map<string, string | Uint8Array>();

  // A session that goes wrong: an answer is lost, a tool throws, a call is held, its host is killed.
  const session = queued(w, async agent => {
    const has = 'test -n "$PLANTED_FOR_TOOLS" && echo it is passed';
    await agent.call('bash', {
      command: `${has}; env | grep -v ^PLANTED_FOR_TOOLS=; cat /proc/self/cmdline`,
    });
    await agent.call('throw-odd', {});
    await agent.ask('bash', { command: 'echo allowed' });
    await agent.call('wait_for', { label: 'killed', line: 'never' });
    await agent.call('bash', { command: 'no-such-program' });
  });
  session.setFaults({ fail: [{ route: 'send', status: 503, times: 1 }] });
  const held = await eventually('a call is held', async () => {
    const calls = await w.calls(session.id).catch(() => []);
    return calls.find(({ state }) => state === 'held')?.id;
  });
  const shown = await w.run(['console', '--port', '0', '--json']).says('urlWithToken');
  const { url, urlWithToken } = JSON.parse(shown.stdout) as { url: string; urlWithToken: string };
  const signedIn = await fetch(urlWithToken, { redirect: 'manual' });
  const cookie = (signedIn.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const pages = async (when: string) => {
    for (const path of [
      'sessions',
      `sessions/${session.id}`,
      `sessions/${session.id}/calls/${held}`,
      'approvals',
      'no-page',
    ])
      surfaces.set(
        `console ${path} ${when}`,
        await (await fetch(`${url}${path}`, { headers: { cookie } })).text(),
      );
  };
  await pages('while it is held');
  for (const command of [['approvals', 'list'], ['list'], ['show', session.id]]) await w.run(command).exit;
  expect((await w.run(['approvals', 'allow', session.id, held]).exit).code).toBe(0);
  await w.effect('begin killed');
  surfaces.set('command lines', commandLines());
  for (const pid of toolProcesses(w.stateDir)) {
    const own = proc(pid, 'environ').replace(/PLANTED_FOR_TOOLS=[^\0]*/, '');
    surfaces.set(`environment of the tool process ${pid}`, own);
  }
  process.kill(toolHostPid(w.stateDir, session.id), 'SIGKILL');

  // One whose token the API refuses in mid-session, and one whose key it refuses at once.
  const refused = queued(w, [
    { call: 'bash', input: { command: 'echo first' } },
    { call: 'wait_for', input: { label: 'refused', line: 'go refused' } },
  ]);
  await w.effect('begin refused');
  const no = { status: 401, times: 1_000 };
  refused.setFaults({ fail: (['send', 'stream', 'list'] as const).map(route => ({ route, ...no })) });
  refused.cutStreams();
  w.note('go refused');
  const ended = await endOf(w, refused).catch((error: WorkflowFailedError) => error.cause?.message);
  expect(ended).toContain('the API answered 401');
  expect((await endOf(w, session)).state).toBe('done');
  expect(textsOf(session)[0]).toContain('it is passed');
  await w.run(['start', session.id, '--wait'], { ANTHROPIC_ENVIRONMENT_KEY: planted('sk-ant-other') }).exit;

  // The other processes, and errors about settings.
  const hook = await w.run(['webhook', '--port', '0']).says('webhook ready at');
  const hookUrl = /ready at (\S+),/.exec(hook.stderr)?.[1] ?? '';
  const body = eventBody('session.status_run_started', 'sesn_unknown');
  for (const key of [secrets['webhook key'], signing('other')])
    surfaces.set(
      `webhook's answer to ${key === secrets['webhook key']}`,
      JSON.stringify(await deliver(hookUrl, body, { key })),
    );
  const codec = await w.run(['codec-server', '--port', '0', '--json']).says('"url"');
  const codecUrl = (JSON.parse(codec.stdout) as { url: string }).url;
  for (const token of [secrets['codec token'], 'another'])
    surfaces.set(
      `codec server's answer to ${token === 'another'}`,
      await (
        await fetch(`${codecUrl}/decode`, {
          method: 'POST',
          body: '{}',
          headers: { authorization: `Bearer ${token}` },
        })
      ).text(),
    );
  surfaces.set('codec server page', await (await fetch(codecUrl)).text());
  await pages('at the end');
  for (const command of [
    ['show', session.id],
    ['show', session.id, '--json'],
    ['list', '--all', '--json'],
    ['logs', session.id, held],
    ['doctor', '--json'],
    ['tools'],
  ])
    await w.run(command).exit;
  const key = {
    TEMPORAL_TLS_CLIENT_KEY_DATA: planted('tls'),
    TEMPORAL_TLS_CLIENT_CERT_DATA: planted('cert'),
  };
  await w.run(['list'], { TEMPORAL_API_KEY: planted('temporal'), ...key }).exit;

  surfaces.set('metrics', await (await fetch(`http://${metrics}/metrics`)).text());
  for (const { id } of [session, refused])
    for (const [name, stored] of await storedOf(w, id)) surfaces.set(name, stored);
  for (const ending of [worker, hook, codec, shown]) await ending.end('SIGTERM');
  for (const [index, { path, body }] of sink.received.entries())
    surfaces.set(`${path.startsWith('/v1') ? 'spans' : 'notice'} ${index}`, body);
  for (const { args, stdout, stderr } of w.processes) {
    // The console's own answer to whoever started it: the address to open.
    surfaces.set(`output of ${args.join(' ')}`, args[0] === 'console' ? stderr : stdout + stderr);
  }
  surfaces.set('what the API was sent', JSON.stringify(session.events()));
  for (const [name, content] of filesBelow(w.folder, () => false)) surfaces.set(name, content);

  // Nothing was searched in vain: each kind is there and holds what it should.
  const all = (prefix: string) =>
    [...surfaces]
      .filter(([name]) => name.startsWith(prefix))
      .map(([, text]) => Buffer.from(text).toString('latin1'))
      .join('\n');
  expect(all('history of')).toContain('"runTool"');
  expect(all('raw history of')).toContain('runTool');
  expect(all('output of worker')).toContain('worker ready');
  expect(all('output of doctor')).toContain('"encryption"');
  expect(all('metrics')).toMatch(/^temporal_/m);
  expect(all('spans')).toContain('execute_tool bash');
  expect(all('notice')).toContain('calls.held');
  expect(all('notice')).toContain('calls.unknown');
  expect(all('console sessions')).toContain(session.id);
  expect(all('command lines')).toContain('holdfast.js worker');
  expect(all('file s/sessions')).toContain('"kind":"answered"');
  expect(all('environment of')).toContain('HOLDFAST_HOST=');
  const itemToken = /Bearer (\S+)/.exec(
    requestsOf(w, session).find(({ route }) => route === 'send')?.headers.authorization ?? '',
  )?.[1];
  expect(itemToken).toMatch(/^sk-ant-req-/);
  expect(itemOf(w, session).state).toBe('stopped');
  const canaries: Canaries = {
    ...secrets,
    ...Object.fromEntries(Object.values(key).map((value, index) => [`Temporal's key ${index}`, value])),
    'sessions token': itemToken ?? '',
    'own key, as set': Buffer.from(secrets['own key']).toString('base64'),
    'any other': 'planted-sk-ant-',
  };
  expect(leaksIn(surfaces, canaries)).toEqual([]);
});
