import { DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { sayOutagesOnce } from '../src/outage-log.ts';
import { until } from './support/until.ts';

const error = 'Status { code: Unavailable, message: "tcp connect error", source: None }';

/** A logger under test, what it said, and a server that may be switched off. */
function setUp() {
  const said: string[] = [];
  const server = { up: true };
  const target = new DefaultLogger('TRACE', ({ level, message }) => said.push(`${level} ${message}`));
  const logger = sayOutagesOnce(target, {
    address: 'somewhere:7233',
    probe: async () => {
      if (!server.up) throw new Error('down');
    },
    everyMs: 5,
    quietMs: 50,
  });
  const complain = (call: string) =>
    logger.log('WARN', `gRPC call ${call} retried 6 times`, { sdkComponent: 'core', error });
  return { said, server, logger, complain };
}

test('an outage is a line when it begins and a line when it ends, whatever the core says of each call', async () => {
  const { said, server, logger, complain } = setUp();
  server.up = false;
  for (let i = 0; i < 20; i++) complain('poll_activity_task_queue');
  await until('it is told', () => said.length > 0);
  complain('record_activity_task_heartbeat');
  logger.warn('Network error while completing activity', { sdkComponent: 'core', error });
  logger.warn('Error while polling for workflow tasks', { sdkComponent: 'core', error });
  logger.info('something else');
  server.up = true;
  await until('it is back', () => said.length > 2);
  complain('poll_workflow_task_queue');
  await new Promise(resolve => setTimeout(resolve, 20));
  expect(said).toEqual([
    'WARN Temporal at somewhere:7233 cannot be reached; running tools go on: tcp connect error',
    'INFO something else',
    'INFO Temporal at somewhere:7233 is back after 1 s',
  ]);
});

test('the next outage is told again', async () => {
  const { said, server, complain } = setUp();
  for (const lines of [2, 4]) {
    await until('an outage is told', () => {
      server.up = false;
      complain('poll_activity_task_queue');
      return said.length === lines - 1;
    });
    server.up = true;
    await until('it is back', () => said.length === lines);
  }
});

test('a call that fails while the server answers others keeps its line', async () => {
  const { said, complain } = setUp();
  complain('respond_activity_task_completed');
  await until('it is told', () => said.length > 0);
  expect(said).toEqual(['WARN gRPC call respond_activity_task_completed retried 6 times']);
});

test('a server that neither answers nor refuses is gone as well', async () => {
  const said: string[] = [];
  const target = new DefaultLogger('TRACE', ({ message }) => said.push(message));
  let answer = () => {};
  const logger = sayOutagesOnce(target, {
    address: 'somewhere:7233',
    probe: () => new Promise<void>(resolve => (answer = resolve)),
    answerMs: 5,
  });
  logger.warn('gRPC call poll_activity_task_queue retried 6 times', { sdkComponent: 'core' });
  await until('it is told', () => said.length === 1);
  answer();
  await until('it is back', () => said.length === 2);
  expect(said[0]).toContain('cannot be reached; running tools go on: its calls fail');
});
