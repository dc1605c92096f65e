/**
 * Under `up` an edit of the tools module takes effect at once: it is tried in a process of its own; if it is right, the
 * tool hosts load it for the calls that start from then on, and running sessions are told what is served now. Calls
 * that run end on the version that they began on. A broken edit is told, and changes nothing.
 */
import type { Client } from '@temporalio/client';
import type { Logger } from '@temporalio/worker';
import { lenientClient } from './client/lenient-client.ts';
import type { Config } from './config.ts';
import { errorLine, errorText } from './error-text.ts';
import { watchModule } from './module-watch.ts';
import type { ServedTools } from './served-tools.ts';
import { ToolHostClient } from './tool-host/client.ts';
import { describeTools } from './tool-host/describe.ts';
import { type LiveHost, listServingHosts } from './tool-host/sweep.ts';
import type { ToolUser } from './tool-host/tool-user.ts';
import { toolsSignal } from './workflows/messages.ts';

export interface HotReload {
  stop(): void;
}

interface Parts {
  readonly config: Pick<Config, 'stateDir' | 'toolsModule' | 'toolEnv' | 'toolCommand'> & {
    readonly toolUser: ToolUser | undefined;
  };
  readonly served: ServedTools;
  readonly client: Client;
  readonly logger: Logger;
}

/** A session or a tool host that was starting at the change is told the second time. */
const SECOND_MS = 3_000;
const RUNNING = "WorkflowType = 'runSession' AND ExecutionStatus = 'Running'";

/** @returns undefined where no module is served. */
export function reloadOnChange(parts: Parts): HotReload | undefined {
  const { config, served, logger } = parts;
  const { toolsModule, toolEnv, toolCommand, toolUser } = config;
  if (toolsModule === undefined || served.source === undefined) return undefined;
  let stopped = false;
  let told: string | undefined;
  let turn = Promise.resolve();
  let second: NodeJS.Timeout | undefined;

  const reload = async (): Promise<void> => {
    if (stopped) return;
    const described = await describeTools({ toolsModule, toolEnv, toolCommand, toolUser, source: true });
    if (described.source !== undefined) watch.follow(described.source, described.kind === 'broken');
    if (described.kind === 'broken') {
      const line = errorLine(described.message);
      if (line !== told) logger.error(`${line}; the tools of before stay`);
      told = line;
      return;
    }
    const isMended = told !== undefined;
    told = undefined;
    if (described.moduleHash === served.moduleHash) {
      if (isMended) logger.info('the tools module is as it was before');
      return;
    }
    const before = served.tools.map(tool => tool.name);
    served.replace(described);
    await spread(parts);
    logger.info(`the tools module was loaded anew: ${difference(before, names(served))}`);
    clearTimeout(second);
    second = setTimeout(() => void spread(parts), SECOND_MS);
  };
  const onChange = (): void => {
    turn = turn
      .then(reload)
      .catch(error => logger.error(`the tools cannot be loaded anew: ${errorText(error)}`));
  };
  const watch = watchModule(toolsModule, onChange, what =>
    logger.warn(`edits of the tools module are not noticed in ${what}; restart after an edit`),
  );
  watch.follow(served.source, false);
  return {
    stop() {
      stopped = true;
      clearTimeout(second);
      watch.stop();
    },
  };
}

/** Hosts first: a session must not be told of a tool that its host does not have yet. */
async function spread({ config, served, client, logger }: Parts): Promise<void> {
  const hosts = await listServingHosts(config.stateDir);
  await Promise.all(hosts.map(host => reloadHost(host, config.toolsModule, served, logger)));
  const { tools } = served;
  try {
    for await (const { workflowId } of lenientClient(client).workflow.list({ query: RUNNING })) {
      // One that has ended since needs none.
      await client.workflow
        .getHandle(workflowId)
        .signal(toolsSignal, { tools })
        .catch(() => undefined);
    }
  } catch (error) {
    logger.warn(`running sessions may not know of the new tools: ${errorText(error)}`);
  }
}

async function reloadHost(
  { paths, incarnation, sessionId }: LiveHost,
  toolsModule: string | undefined,
  { source, mcpLists, moduleHash }: ServedTools,
  logger: Logger,
): Promise<void> {
  const host = new ToolHostClient({ socketPath: paths.socket, incarnation });
  try {
    const health = await host.health({ timeoutMs: 5_000 });
    if (health.kind !== 'health' || health.moduleHash === moduleHash) return;
    const answer = await host.reload({ toolsModule, source, mcpLists });
    if (answer.kind === 'broken') logger.warn(`${sessionId} keeps the tools of before: ${answer.message}`);
  } catch (error) {
    logger.warn(`${sessionId} keeps the tools of before: ${errorText(error)}`);
  } finally {
    host.destroy();
  }
}

function names({ tools }: ServedTools): string[] {
  return tools.map(tool => tool.name);
}

function difference(before: readonly string[], now: readonly string[]): string {
  const added = now.filter(name => !before.includes(name));
  const gone = before.filter(name => !now.includes(name));
  const parts = [
    ...(added.length > 0 ? [`new: ${added.join(', ')}`] : []),
    ...(gone.length > 0 ? [`gone: ${gone.join(', ')}`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : 'the same tools, for calls that start from now on';
}
