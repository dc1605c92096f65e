/** What `holdfast health` answers, and the program of probes (health-main.ts). */
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
