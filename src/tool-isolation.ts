/**
 * Whom tools run as, and what stands between them and the rest of the machine (docs/security.md). Whatever a setting
 * promises is tried before anything is served: one that does not hold is an error, never a silent loss of it.
 */
import { chmod } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { Config } from './config.ts';
import { errorText } from './error-text.ts';
import { checkStateDir, sessionsFolder } from './tool-host/paths.ts';
import { ownerOf, type ToolUser } from './tool-host/tool-user.ts';
import { closedPath, commandProblem, mappedGroups, rightsProblem } from './tool-host/tool-user-probe.ts';
import { findGroup, findUser } from './tool-user-lookup.ts';

type Settings = Pick<Config, 'toolUser' | 'toolCommand' | 'toolEnv' | 'toolsModule' | 'stateDir'>;

export type IsolatedTools =
  | {
      readonly kind: 'usable';
      readonly toolUser: ToolUser | undefined;
      /** As `Config.toolEnv`, with the home and the name of the tool user. */
      readonly toolEnv: Readonly<Record<string, string>>;
    }
  /** What is wrong, and what to do. */
  | { readonly kind: 'unusable'; readonly problem: string };

/** Tries `HOLDFAST_TOOL_USER` and `HOLDFAST_TOOL_COMMAND`; opens the way to the workspaces for the tool user. */
export async function isolateTools(settings: Settings): Promise<IsolatedTools> {
  const { toolUser: setting, toolCommand = [], stateDir } = settings;
  if (setting === undefined && toolCommand.length === 0)
    return { kind: 'usable', toolUser: undefined, toolEnv: settings.toolEnv };
  const state = await checkStateDir(stateDir);
  if (state.kind === 'unusable') return { kind: 'unusable', problem: state.message };
  let toolUser: ToolUser | undefined;
  let { toolEnv } = settings;
  if (setting !== undefined) {
    const found = await resolveUser(settings, setting);
    if (found.kind === 'unusable') return found;
    ({ toolUser, toolEnv } = found);
  }
  const owner = toolUser && ownerOf(toolUser, 'probe');
  const problem = await commandProblem({ prefix: toolCommand, owner, env: toolEnv, stateDir });
  if (problem !== undefined) return { kind: 'unusable', problem };
  return { kind: 'usable', toolUser, toolEnv };
}

/** For `doctor`: one line, and what to do where something is wrong or missing. */
export interface ToolIsolation {
  readonly kind: 'none' | 'isolated' | 'broken';
  readonly line: string;
  readonly mend?: string;
}

export async function toolIsolation(settings: Settings): Promise<ToolIsolation> {
  const { toolUser: setting, toolCommand } = settings;
  if (setting === undefined && toolCommand === undefined) {
    const { username, uid } = userInfo();
    return {
      kind: 'none',
      line:
        `tools run with the worker's rights (${username}, uid ${uid}): they can read its environment, key file and ` +
        'sockets, and every workspace',
      mend: 'set HOLDFAST_TOOL_USER or HOLDFAST_TOOL_COMMAND (docs/security.md)',
    };
  }
  const tried = await isolateTools(settings).catch(error => ({
    kind: 'unusable' as const,
    problem: errorText(error),
  }));
  if (tried.kind === 'unusable')
    return {
      kind: 'broken',
      line: tried.problem,
      mend: 'see docs/security.md; the worker does not start so',
    };
  const { toolUser } = tried;
  const as =
    toolUser === undefined
      ? "tools run with the worker's rights"
      : `tools run as ${setting?.user} (uid ${toolUser.uid}), ` +
        (toolUser.gid === undefined
          ? 'each session in a group of its own'
          : `all in group ${setting?.group}`);
  const behind = toolCommand === undefined ? '' : `; bash and exec tools behind ${toolCommand[0]}`;
  // What looks like a sandbox's own root is the machine's to the kernel wherever something was not hidden.
  const isRoot = toolUser === undefined && process.getuid?.() === 0;
  return {
    kind: 'isolated',
    line: as + behind,
    ...(isRoot
      ? { mend: 'the worker is root, and so is what it sandboxes: set HOLDFAST_TOOL_USER too' }
      : {}),
  };
}

async function resolveUser(settings: Settings, setting: NonNullable<Settings['toolUser']>) {
  const unusable = (why: string) =>
    ({ kind: 'unusable', problem: `HOLDFAST_TOOL_USER is ${setting.text}: ${why}` }) as const;
  if (process.platform !== 'linux') return unusable('it needs Linux; unset it');
  const us = process.getuid?.();
  if (us !== 0)
    return unusable(
      `only root can start tools as another user, and this worker is uid ${us}; run the worker as root, or unset it ` +
        'and sandbox tools with HOLDFAST_TOOL_COMMAND',
    );
  const user = await findUser(setting.user);
  if (user === undefined)
    return unusable(`this machine has no such user; create it: useradd --system ${setting.user}`);
  if (user.uid === 0) return unusable('that is root, the user of the worker; choose one without rights');
  const group = setting.group === undefined ? undefined : await findGroup(setting.group);
  if (setting.group !== undefined && group === undefined) return unusable('this machine has no such group');
  if (group === 0) return unusable('group 0 is the group of root; choose another one');
  if (group === undefined && !mappedGroups())
    return unusable(
      'this container has no group ids for sessions (user namespace); name one group for all: user:group',
    );
  const toolUser: ToolUser = { uid: user.uid, gid: group };
  const owner = ownerOf(toolUser, 'probe');
  const { stateDir, toolsModule } = settings;
  // Passed through, never listed: names of sessions are not for tools to read.
  for (const folder of [stateDir, sessionsFolder(stateDir)]) await chmod(folder, 0o711);
  const closed = await closedPath(owner, sessionsFolder(stateDir), toolsModule);
  if (closed !== undefined) return unusable(closed);
  const rights = await rightsProblem(owner);
  if (rights !== undefined) return unusable(rights);
  const { name, home } = user;
  const toolEnv = { ...settings.toolEnv, HOME: home, USER: name, LOGNAME: name };
  return { kind: 'usable', toolUser, toolEnv } as const;
}
