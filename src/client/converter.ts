/** For backends that bring a Temporal client of their own. */
import type { DataConverter } from '@temporalio/common';
import { readConfig } from '../config.ts';
import { dataConverter as converterOf } from '../data-converter.ts';

/**
 * What a `Client` needs to read and write as the workers do, by `HOLDFAST_ENCRYPT` and `HOLDFAST_KEY`:
 * `new Client({ connection, dataConverter: dataConverter() })`.
 *
 * @throws ConfigError for settings that cannot be used.
 */
export function dataConverter(): DataConverter {
  return converterOf(readConfig());
}
