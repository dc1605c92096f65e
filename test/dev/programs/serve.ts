/** Keeps a server up until SIGINT; then shows that the same SIGINT did not end the server, and closes it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { startTemporalServer } from '../../../src/dev/temporal-server.ts';

const options = JSON.parse(process.argv[2] ?? '') as Parameters<typeof startTemporalServer>[0];
const server = await startTemporalServer(options);
const stay = setInterval(() => {}, 1_000);
process.once('SIGINT', async () => {
  await sleep(300);
  const connection = await Connection.connect({ address: server.address, connectTimeout: 5_000 });
  console.log('still serving');
  await connection.close();
  await server.close();
  clearInterval(stay);
});
console.log(JSON.stringify({ pid: server.pid, address: server.address }));
