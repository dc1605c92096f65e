import { TypedSearchAttributes } from '@temporalio/common';
import type { SearchAttribute } from '../register-search-attributes.ts';

export type DynamicConfig = Readonly<Record<string, boolean | number | string>>;

/**
 * What makes a one-box server fast enough for tool calls; for self-hosters too. Measured: a stock server looks at a
 * shard's queue 20 times a second and the development server has one shard, so each task waits up to 50 ms; timers and
 * retries slip to a second.
 */
export const tunedDynamicConfig: DynamicConfig = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxTimeShift': '10ms',
  'system.enableActivityEagerExecution': true,
  // It asks the internet for newer versions otherwise.
  'frontend.enableServerVersionCheck': false,
};

export interface StartDevSettings {
  readonly host: string;
  readonly port: number;
  /** undefined: no web UI. */
  readonly uiPort: number | undefined;
  readonly dbFile: string;
  readonly namespaces: readonly string[];
  /** start-dev registers them in every namespace it is given, and in `default`. */
  readonly searchAttributes: readonly SearchAttribute[];
  readonly dynamicConfig: DynamicConfig;
}

/** The arguments of `temporal` for a development server. */
export function startDevArguments(settings: StartDevSettings): string[] {
  const { host, port, uiPort, dbFile } = settings;
  const pairs = (flag: string, values: readonly string[]) => values.flatMap(value => [flag, value]);
  const attributes = settings.searchAttributes.map(
    ({ name, type }) => `${name}=${TypedSearchAttributes.toMetadataType(type)}`,
  );
  const config = Object.entries(settings.dynamicConfig).map(
    ([key, value]) => `${key}=${JSON.stringify(value)}`,
  );
  return [
    ...['server', 'start-dev', '--ip', host, '--port', String(port), '--db-filename', dbFile],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...pairs(
      '--namespace',
      settings.namespaces.filter(name => name !== 'default'),
    ),
    ...pairs('--search-attribute', attributes),
    ...pairs('--dynamic-config-value', config),
  ];
}
