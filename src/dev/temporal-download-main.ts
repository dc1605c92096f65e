/**
 * Program: fetches the official Temporal CLI into the folder named by its one argument. The SDK downloads only on the
 * way to starting a server, has no time limit for it and keeps its native runtime alive, so it is done by a process that
 * can be killed.
 */
import { TestWorkflowEnvironment } from '@temporalio/testing';

const downloadDir = process.argv[2];
if (downloadDir === undefined) throw new Error('usage: temporal-download-main FOLDER');
const environment = await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir } },
}).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
await environment.teardown();
