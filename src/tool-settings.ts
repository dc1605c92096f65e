/** Settings about tools, as text: what is not usable is a RangeError that names it and says what to write. */
import { homedir, userInfo } from 'node:os';

type Env = Readonly<Record<string, string | undefined>>;

/** What tools see of the environment, beside `HOLDFAST_TOOL_ENV` (§4, Environment). */
const TOOL_ENV = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR'];
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export function toolEnv(get: (name: string) => string | undefined, env: Env): Record<string, string> {
  const asked = (get('HOLDFAST_TOOL_ENV') ?? '').split(',').map(name => name.trim());
  const secret = asked.find(name => /^(ANTHROPIC|TEMPORAL|HOLDFAST)_/i.test(name));
  if (secret !== undefined)
    throw new RangeError(`HOLDFAST_TOOL_ENV must not name ${secret}: credentials never reach tools`);
  const values: Record<string, string> = { PATH: DEFAULT_PATH, HOME: homedir(), USER: userInfo().username };
  for (const name of [...TOOL_ENV, ...asked.filter(name => name !== '')]) {
    const value = env[name];
    if (value !== undefined) values[name] = value;
  }
  return values;
}

export interface ToolUserSetting {
  /** As it was written, for messages. */
  readonly text: string;
  readonly user: string;
  /** One group for all sessions; undefined: each has a group of its own. */
  readonly group: string | undefined;
}

/** `name`, `uid`, or either with `:group`. Whether they exist is told where tools are started. */
export function toolUser(text: string | undefined): ToolUserSetting | undefined {
  if (text === undefined) return undefined;
  const [, user, group] = /^([\w][\w.-]*)(?::([\w][\w.-]*))?$/.exec(text) ?? [];
  if (user === undefined)
    throw new RangeError(`HOLDFAST_TOOL_USER is ${text}: write a user's name or number, or user:group`);
  return { text, user, group };
}

/** Words, or a JSON array where words hold spaces. */
export function toolCommand(
  text: string | undefined,
  name = 'HOLDFAST_TOOL_COMMAND',
): readonly string[] | undefined {
  if (text === undefined) return undefined;
  if (!text.startsWith('[')) return text.split(/\s+/);
  try {
    const words: unknown = JSON.parse(text);
    if (Array.isArray(words) && words.every(word => typeof word === 'string')) return words;
  } catch {
    // Said below.
  }
  throw new RangeError(`${name} starts with "[" but is not a JSON array of strings`);
}
