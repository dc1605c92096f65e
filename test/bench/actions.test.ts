import { expect, test } from 'vitest';
import { countActions } from '../../bench/machine/actions.ts';

test('all kinds of Actions of one namespace count, and nothing else does', () => {
  const text = [
    '# TYPE action counter',
    'action{action_type="command_ScheduleActivityTask",namespace="bench_1a",operation="X",service_name="frontend"} 1491',
    'action{action_type="grpc_RecordActivityTaskHeartbeat",namespace="bench_1a",operation="Y",service_name="frontend"} 740',
    'action{action_type="grpc_SignalWorkflowExecution",namespace="bench_1b",operation="Z",service_name="frontend"} 9',
    'queue_actions{namespace="bench_1a",queue_action="reader_stuck"} 4548',
  ].join('\n');
  expect(countActions(text, 'bench-1a')).toBe(2_231);
  expect(countActions(text, 'none')).toBe(0);
});
