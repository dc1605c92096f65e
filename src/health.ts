/** What `holdfast health` answers, and what a probe runs as a program of its own: the whole CLI takes a second to load. */
import { pathToFileURL } from 'node:url';
import { ConfigError, readConfig } from './config.ts';
import { type WorkerHealth, workersHealth } from './worker-health.ts';

export interface HealthAnswer {
  readonly ok: boolean;
  /** A line per worker, and one more for what is missing. */
  readonly lines: readonly string[];
  readonly workers: readonly WorkerHealth[];
}

/** Healthy: somebody serves each of `roles` (at least one worker at all), and nobody who is there is ill. */
export function healthOf(stateDir: string, roles: readonly string[] = []): HealthAnswer {
  const workers = workersHealth(stateDir);
  const lines = workers.map(({ pid, roles: own, healthy, text }) => {
    const what = own.length === 0 ? '' : ` (${own.join(', ')})`;
    return `worker ${pid}${what}: ${healthy ? 'healthy' : 'not healthy'}; ${text}`;
  });
  const staying = workers.filter(({ stopping }) => !stopping);
  const missing = roles.filter(
    role => !staying.some(worker => worker.healthy && worker.roles.includes(role)),
  );
  if (staying.length === 0)
    return { ok: false, workers, lines: [...lines, `no worker runs with the state folder ${stateDir}`] };
  if (missing.length > 0)
    return { ok: false, workers, lines: [...lines, `no healthy worker serves ${missing.join(', ')} here`] };
  return { ok: staying.every(({ healthy }) => healthy), workers, lines };
}

/** `node health.js [ROLE …]`: exit 0 healthy, 1 not, 2 settings that cannot be used. */
function main(roles: readonly string[]): number {
  try {
    const { ok, lines } = healthOf(readConfig().stateDir, roles);
    console.log(lines.join('\n'));
    return ok ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(`holdfast: ${error.message}`);
    return 2;
  }
}

const [, program, ...roles] = process.argv;
if (program !== undefined && import.meta.url === pathToFileURL(program).href) process.exitCode = main(roles);
