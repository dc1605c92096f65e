/** The API: reachable, with which kind of key, whether that is accepted and for what; and whether clocks agree. */
import { APIError } from '@anthropic-ai/sdk';
import { createClient } from '../anthropic/client.ts';
import { classify } from '../anthropic/failures.ts';
import { createWebhookReader } from '../anthropic/webhook-event.ts';
import type { Config } from '../config.ts';
import { errorText } from '../error-text.ts';
import { credentialProblem } from '../worker-api.ts';
import { broken, type Finding, ok, oneLine, skipped, warning } from './finding.ts';

const ASK_MS = 8_000;
/** No session has it: that it is not found says that the key is accepted. */
const NO_SESSION = 'sesn_holdfast_doctor';
/** Deliveries of a webhook are refused at 5 min, leases last as long. */
const SKEW_BROKEN_MS = 120_000;
const SKEW_MS = 10_000;

interface Answer {
  readonly status: number;
  /** The API's words. */
  readonly told: string;
  /** Its clock less ours, in ms; a stamp holds whole seconds. */
  readonly skewMs: number | undefined;
  readonly body?: unknown;
}

export async function lookAtApi({ anthropic }: Config): Promise<readonly Finding[]> {
  const { baseURL, apiKey, environmentKey, environmentId } = anthropic;
  const problem = credentialProblem({ anthropic });
  if (problem !== undefined) {
    const [found = '', mend = ''] = problem.split(/: (?=set )/);
    if (apiKey === undefined && environmentKey === undefined) return [broken('API', found, mend)];
  }
  const kind = environmentKey === undefined ? 'the API key' : 'the environment key';
  const variable = environmentKey === undefined ? 'ANTHROPIC_API_KEY' : 'ANTHROPIC_ENVIRONMENT_KEY';
  const mixed = mixedUp(apiKey, environmentKey);
  const client = createClient({ ...anthropic, timeoutMs: ASK_MS });
  const answer = await ask(baseURL, () => client.beta.sessions.retrieve(NO_SESSION).asResponse());
  if (typeof answer === 'string')
    return [broken('API', answer, 'correct ANTHROPIC_BASE_URL, or open the network (a proxy? a firewall?)')];
  const both =
    apiKey !== undefined && environmentKey !== undefined ? ' (ANTHROPIC_API_KEY is not used beside it)' : '';
  const { status, told } = answer;
  const state = (): Finding => {
    if (mixed !== undefined && (status === 401 || status === 403)) return mixed;
    if (status === 401)
      return broken('API', `${baseURL} refuses ${kind} (401): ${told}`, `correct ${variable}`);
    if (status === 403)
      return broken(
        'API',
        `${kind} may not read sessions (403): ${told}`,
        `give it the right, or correct ${variable}`,
      );
    if (status === 404 || status === 400 || status === 200)
      return ok('API', `${baseURL} takes ${kind}${both}`);
    return warning('API', `${baseURL} answers ${status}: ${told}`, 'ask again later; workers keep trying');
  };
  const api = state();
  const environment =
    environmentId === undefined
      ? []
      : [await lookAtEnvironment(anthropic, environmentId, api.state === 'broken')];
  return [api, ...environment, clock(answer.skewMs)];
}

/** @returns what went wrong, where nothing was answered. */
async function ask(baseURL: string, request: () => Promise<Response>): Promise<Answer | string> {
  const from = Date.now();
  const answered = (status: number, told: string, headers: Headers | undefined): Answer => {
    const date = Date.parse(headers?.get('date') ?? '');
    return { status, told, skewMs: Number.isNaN(date) ? undefined : date + 500 - (from + Date.now()) / 2 };
  };
  try {
    const response = await request();
    return {
      ...answered(response.status, '', response.headers),
      body: await response.json().catch(() => undefined),
    };
  } catch (error) {
    if (error instanceof APIError && typeof error.status === 'number')
      return answered(error.status, oneLine(error.apiMessage ?? error.message), error.headers);
    const failure = classify(error, { address: baseURL });
    return failure.kind === 'transient' ? failure.reason : failure.message;
  }
}

/** Console-made keys tell by their beginning what they are. */
function mixedUp(apiKey: string | undefined, environmentKey: string | undefined): Finding | undefined {
  if (environmentKey?.startsWith('sk-ant-api'))
    return broken('API', 'ANTHROPIC_ENVIRONMENT_KEY holds an API key', 'give it as ANTHROPIC_API_KEY');
  if (environmentKey === undefined && apiKey?.startsWith('sk-ant-oat'))
    return broken(
      'API',
      'ANTHROPIC_API_KEY holds an environment key',
      'give it as ANTHROPIC_ENVIRONMENT_KEY',
    );
  return undefined;
}

async function lookAtEnvironment(
  anthropic: Config['anthropic'],
  id: string,
  isRefused: boolean,
): Promise<Finding> {
  const check = 'environment';
  if (anthropic.environmentKey === undefined)
    return broken(check, `only its own key opens the work queue of ${id}`, 'set ANTHROPIC_ENVIRONMENT_KEY');
  if (isRefused) return skipped(check, 'not asked, as the key is refused');
  const client = createClient({ ...anthropic, timeoutMs: ASK_MS });
  const answer = await ask(anthropic.baseURL, () => client.beta.environments.work.stats(id).asResponse());
  if (typeof answer === 'string') return warning(check, answer, 'ask again later');
  const { status, told, body } = answer;
  if (status === 200) {
    const { depth, workers_polling: polling } = (body ?? {}) as {
      depth?: unknown;
      workers_polling?: unknown;
    };
    const workers = typeof polling === 'number' ? `, ${polling} workers poll it` : '';
    return ok(check, `${id} answers: ${typeof depth === 'number' ? depth : 'some'} items wait${workers}`);
  }
  if (status === 404) return broken(check, `${id} is not there: ${told}`, 'correct ANTHROPIC_ENVIRONMENT_ID');
  if (status === 401 || status === 403)
    return broken(
      check,
      `the key is not one of ${id} (${status}): ${told}`,
      'correct ANTHROPIC_ENVIRONMENT_KEY or ANTHROPIC_ENVIRONMENT_ID',
    );
  return warning(check, `${id} answers ${status}: ${told}`, 'ask again later');
}

export function clock(skewMs: number | undefined): Finding {
  if (skewMs === undefined) return skipped('clock', 'the API does not tell its time');
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const found = `${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} the API’s`;
  const mend = 'set the clock, or let NTP do it';
  if (Math.abs(skewMs) > SKEW_BROKEN_MS) return broken('clock', found, mend);
  if (Math.abs(skewMs) > SKEW_MS) return warning('clock', found, mend);
  return ok('clock', 'agrees with the API’s');
}

/** Nothing where no key is set: only `webhook` needs one. */
export function lookAtWebhookKey({ anthropic: { webhookKey } }: Config): readonly Finding[] {
  if (webhookKey === undefined) return [];
  try {
    createWebhookReader(webhookKey);
    return [ok('webhook', 'ANTHROPIC_WEBHOOK_SIGNING_KEY is one')];
  } catch (error) {
    return [broken('webhook', errorText(error), 'copy the signing key from the Console again')];
  }
}
