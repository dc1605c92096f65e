/** The settings, read so that one that cannot be used is a line and the others are still looked at. */
import { devNull } from 'node:os';
import { type Config, ConfigError, type Env, readConfig } from '../config.ts';
import { broken, type Finding, ok, warning } from './finding.ts';

export interface Settings {
  readonly config: Config;
  /** Variables that the configuration goes without, because they cannot be used. */
  readonly unusable: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

const OURS = /\b(?:ANTHROPIC|HOLDFAST|TEMPORAL|OTEL)_[A-Z_]+/g;
const CHECK = 'settings';

export function readSettings(env: Env): Settings {
  const usable: Record<string, string | undefined> = { ...env };
  const unusable = new Set<string>();
  const findings: Finding[] = [];
  for (;;) {
    try {
      const config = readConfig(usable);
      const count = Object.keys(usable).filter(name => usable[name] && name.match(OURS)?.[0] === name).length;
      if (findings.length === 0) findings.push(ok(CHECK, `${count} set, all can be used`));
      if (config.failpoints !== undefined)
        findings.push(
          warning(CHECK, 'HOLDFAST_FAILPOINTS is set, which is for tests of crashes', 'unset it'),
        );
      return { config, unusable, findings };
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const names = namesIn(error.message, usable);
      findings.push(
        broken(CHECK, error.message, `correct ${names.length > 0 ? 'or unset it' : 'the profile'}`),
      );
      if (names.length === 0) {
        // A profile of Temporal's, on the disk.
        if (usable.TEMPORAL_CONFIG_FILE === devNull) throw error;
        usable.TEMPORAL_CONFIG_FILE = devNull;
        unusable.add('TEMPORAL_CONFIG_FILE');
      }
      for (const name of names) {
        delete usable[name];
        unusable.add(name);
      }
    }
  }
}

/** With one of the TEMPORAL_* settings wrong, the rest would name another server, or none. */
function namesIn(message: string, env: Env): string[] {
  const isSet = (name: string) => env[name] !== undefined && name !== 'TEMPORAL_CONFIG_FILE';
  if (message.includes('TEMPORAL_'))
    return Object.keys(env).filter(name => /^TEMPORAL_/.test(name) && isSet(name));
  const [name] = (message.match(OURS) ?? []).filter(isSet);
  return name === undefined ? [] : [name];
}

/** Whether any of these was named wrongly: then what hangs on it cannot be looked at. */
export function isUnusable(unusable: ReadonlySet<string>, pattern: RegExp): boolean {
  return [...unusable].some(name => pattern.test(name));
}

/** Replaces every secret of the configuration by a word, wherever it may have got into a message (I9). */
export function redactor(env: Env): (text: string) => string {
  const secret = /KEY|SECRET|TOKEN|PASSWORD|HEADERS/;
  const secrets = Object.entries(env).flatMap(([name, value]) => {
    if (value === undefined || !secret.test(name) || !/^(ANTHROPIC|HOLDFAST|TEMPORAL)_/.test(name)) return [];
    // A header's value is a secret by itself, and so is each of several keys.
    return [value, ...value.split(/[\n:,]/)].map(part => part.trim()).filter(part => part.length >= 8);
  });
  secrets.sort((a, b) => b.length - a.length);
  return text => secrets.reduce((rest, each) => rest.replaceAll(each, '…'), text);
}
