/** `tools.ts`, and tools that kill what serves them or will not be ended. */
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import tools from './tools.ts';

const labelled = {
  type: 'object',
  properties: { label: { type: 'string' } },
  required: ['label'],
} as const;

function note(line: string): void {
  appendFileSync(process.env.EFFECTS ?? '/dev/null', `${line} ${Date.now()}\n`);
}

function noted(): string {
  return readFileSync(process.env.EFFECTS ?? '/dev/null', 'utf8');
}

function killer(name: string) {
  return betaTool({
    name,
    description: 'kills the process that serves it, when all others have begun',
    inputSchema: {
      type: 'object',
      properties: { label: { type: 'string' }, others: { type: 'array', items: { type: 'string' } } },
      required: ['label', 'others'],
    } as const,
    run: async ({ label, others }) => {
      note(`begin ${label}`);
      while (!others.every(other => noted().includes(`begin ${other} `))) await sleep(20);
      process.kill(process.pid, 'SIGKILL');
      return 'never';
    },
  });
}

const deaf = betaTool({
  name: 'deaf',
  description: 'waits for ever and heeds no signal',
  inputSchema: labelled,
  run: async ({ label }) => {
    note(`begin ${label}`);
    await sleep(600_000);
    return 'never';
  },
});

const endless = betaTool({
  name: 'endless',
  description: 'keeps its thread busy for ever',
  inputSchema: labelled,
  run: ({ label }): string => {
    note(`begin ${label}`);
    for (;;);
  },
});

const daemon = betaTool({
  name: 'daemon',
  description: 'starts a process that leaves it twice over, tells its pid, and heeds no signal',
  inputSchema: labelled,
  run: async ({ label }) => {
    // The shell forks again inside its own session and ends: the sleep belongs to init.
    const program = `sleep 300 & echo "daemon ${label} $! 0000000000000" >> "$EFFECTS"`;
    spawn('setsid', ['sh', '-c', program], { detached: true, stdio: 'ignore' }).unref();
    await sleep(600_000);
    return 'never';
  },
});

export default {
  tools: [
    ...tools.tools,
    killer('kill_host'),
    { tool: killer('kill_host_again'), idempotent: true },
    ...[deaf, endless, daemon].map(tool => ({ tool, timeoutMs: 600_000 })),
  ],
};
