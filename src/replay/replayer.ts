/** One process that replays (replay-main.ts), started again when a history has hung or ended it. */
import { type ChildProcess, fork } from 'node:child_process';
import type { ReplayJob, ReplaySetup } from './replay-main.ts';
import type { ReplayVerdict } from './verdict.ts';

export interface Replayer {
  /** One at a time. Never rejects: what goes wrong is a verdict. */
  replay(job: ReplayJob): Promise<ReplayVerdict>;
  close(): void;
}

/** Modules are loaded and the runtime is started: long only on a machine that has no core to spare. */
const START_MS = 60_000;

/** @param limitMs for one history, the process's own start not counted. */
export function createReplayer(setup: ReplaySetup, limitMs: number): Replayer {
  let child: ChildProcess | undefined;
  return {
    async replay(job) {
      const isNew = child === undefined;
      child ??= start(setup);
      const answered = await answerOf(child, job, { isNew, limitMs });
      if (typeof answered !== 'string') return answered;
      child.kill('SIGKILL');
      child = undefined;
      return {
        ...{ source: job.source, session: null, runId: null, events: 0 },
        ...{ verdict: 'failed', event: null, why: answered },
      };
    },
    close() {
      child?.kill('SIGKILL');
      child = undefined;
    },
  };
}

function start(setup: ReplaySetup): ChildProcess {
  const entry = new URL(`./replay-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  const child = fork(entry, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  child.send(setup);
  return child;
}

/** The verdict, or why there is none. */
function answerOf(
  child: ChildProcess,
  job: ReplayJob,
  { isNew, limitMs }: { readonly isNew: boolean; readonly limitMs: number },
): Promise<ReplayVerdict | string> {
  return new Promise(resolve => {
    let said = '';
    const settle = (answer: ReplayVerdict | string): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      child.stderr?.off('data', onSaid);
      resolve(answer);
    };
    const late = () => settle(`its replay did not end within ${limitMs / 1000} s`);
    let timer = setTimeout(late, isNew ? START_MS : limitMs);
    const onMessage = (message: ReplayVerdict | 'ready'): void => {
      if (message === 'ready') {
        clearTimeout(timer);
        timer = setTimeout(late, limitMs);
      } else settle(message);
    };
    const onExit = (code: number | null, signal: string | null): void => {
      const last = said.trim().split('\n').at(-1) ?? '';
      settle(
        `its replay ended the process (${signal ?? `exit code ${code}`})${last && `: ${last.slice(0, 200)}`}`,
      );
    };
    const onError = (error: Error): void => settle(`its replay could not be started: ${error.message}`);
    const onSaid = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-2_000);
    };
    child.on('message', onMessage).once('exit', onExit).once('error', onError);
    child.stderr?.on('data', onSaid);
    child.send(job, error => error && settle(`its replay could not be asked: ${error.message}`));
  });
}
