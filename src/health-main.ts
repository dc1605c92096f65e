/**
 * What probes of containers run: `node health-main.js [ROLE …]`, exit 0 healthy, 1 not, 2 settings that cannot be used. A
 * program of its own, because the whole command line takes a second of a processor to load.
 */
import { ConfigError, readConfig } from './config.ts';
import { healthOf } from './health.ts';

try {
  const { ok, lines } = healthOf(readConfig().stateDir, process.argv.slice(2));
  console.log(lines.join('\n'));
  process.exitCode = ok ? 0 : 1;
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(`holdfast: ${error.message}`);
  process.exitCode = 2;
}
