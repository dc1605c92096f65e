/** The straightforward program's worker. Settings: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, ANTHROPIC_*, WORKSPACES, TOOLS. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { closeTools, post, runTool } from './activities.ts';
import * as listeners from './listener.ts';
import { LISTENERS, SESSIONS } from './messages.ts';

const connection = await NativeConnection.connect({ address: process.env.TEMPORAL_ADDRESS ?? '' });
const namespace = process.env.TEMPORAL_NAMESPACE ?? 'default';
const [sessions, listening] = await Promise.all([
  Worker.create({
    connection,
    namespace,
    taskQueue: SESSIONS,
    workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
    activities: { runTool, post },
    maxConcurrentActivityTaskExecutions: 500,
    // Running tools may end before the worker does.
    shutdownGraceTime: '10s',
  }),
  Worker.create({
    connection,
    namespace,
    taskQueue: LISTENERS,
    activities: listeners,
    maxConcurrentActivityTaskExecutions: 5_000,
  }),
]);
console.log('worker ready');
// Temporal's runtime ends both on SIGTERM.
await Promise.all([sessions.run(), listening.run()]);
await closeTools();
await connection.close();
