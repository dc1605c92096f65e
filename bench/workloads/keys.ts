import { median } from '../statistics/quantiles.ts';
import type { Key } from './workload.ts';

export const MEDIAN_TIME: Key = {
  label: 'p50',
  unit: 'ms',
  better: 'lower',
  of: sample => median(sample.times),
};

export const CALLS_PER_SECOND: Key = {
  label: 'calls/s',
  unit: '/s',
  better: 'higher',
  of: ({ calls, wallMs }) => (wallMs === 0 ? undefined : (calls * 1_000) / wallMs),
};

export function figure(name: string, unit: string): Key {
  return { label: name, unit, better: 'lower', of: sample => sample.figures[name] };
}
