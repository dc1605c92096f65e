/** A meter that keeps what it is told: Temporal's interface, without its native core. */
import type { MetricMeter, MetricTags } from '@temporalio/common';

export interface Recorded {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly name: string;
  readonly unit: string | undefined;
  readonly values: { readonly value: number; readonly tags: MetricTags }[];
}

export interface RecordingMeter extends MetricMeter {
  readonly metrics: readonly Recorded[];
  /** Every value of a metric with its tags, as `3 tool=bash outcome=error`. */
  told(name: string): string[];
}

export function recordingMeter(): RecordingMeter {
  const metrics: Recorded[] = [];
  const record = (kind: Recorded['kind'], name: string, unit?: string) => {
    const made: Recorded = { kind, name, unit, values: [] };
    metrics.push(made);
    return (value: number, tags: MetricTags = {}) => {
      made.values.push({ value, tags });
    };
  };
  const meter: RecordingMeter = {
    metrics,
    told: name =>
      metrics
        .filter(one => one.name === name)
        .flatMap(({ values }) =>
          values.map(({ value, tags }) =>
            [value, ...Object.entries(tags).map(([tag, text]) => `${tag}=${text}`)].join(' '),
          ),
        ),
    createCounter(name, unit) {
      const metric = { name, kind: 'counter', valueType: 'int', add: record('counter', name, unit) } as const;
      return { ...metric, withTags: () => this.createCounter(name, unit) };
    },
    createGauge(name, valueType = 'int', unit) {
      const metric = { name, kind: 'gauge', valueType, set: record('gauge', name, unit) } as const;
      return { ...metric, withTags: () => this.createGauge(name, valueType, unit) };
    },
    createHistogram(name, valueType = 'int', unit) {
      const metric = { name, kind: 'histogram', valueType, record: record('histogram', name, unit) } as const;
      return { ...metric, withTags: () => this.createHistogram(name, valueType, unit) };
    },
    withTags: () => meter,
  };
  return meter;
}
