/** deploy/prometheus/alerts.yaml: rules that Prometheus can read, about metrics that there are, with what to do. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { alertRules, metricsOf, problemsOf } from './support/alerts.ts';

const page = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../docs/${name}`, import.meta.url)), 'utf8');
const rules = alertRules();

describe('the alert rules', () => {
  it('are rules of Prometheus, and nothing is misspelt', () => {
    expect(rules.length).toBeGreaterThan(10);
    for (const rule of rules) {
      expect(
        Object.keys(rule).filter(key => !['alert', 'expr', 'for', 'labels', 'annotations'].includes(key)),
      ).toEqual([]);
      expect(rule.alert).toMatch(/^Holdfast[A-Za-z]+$/);
      expect(rule.for ?? '0s').toMatch(/^\d+[smh]$/);
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  it.each(rules)('$alert is a whole expression, says how urgent it is and what to do', rule => {
    expect(problemsOf(rule.expr)).toEqual([]);
    expect(['page', 'ticket']).toContain(rule.labels.severity);
    expect(rule.annotations.summary.length).toBeLessThan(80);
    expect(rule.annotations.description.length).toBeGreaterThan(60);
  });

  it('speak of metrics that docs/metrics.md names; those of Temporal are seen in test/e2e/notices.test.ts', () => {
    const documented = new Set(
      [...page('metrics.md').matchAll(/^\| `(holdfast_\w+)`/gm)].map(([, name]) => name),
    );
    const ours = rules.flatMap(({ expr }) => metricsOf(expr)).filter(name => name.startsWith('holdfast_'));
    expect(ours.length).toBeGreaterThan(10);
    expect(ours.filter(name => !documented.has(name))).toEqual([]);
  });

  it('and docs/operations.md name the same alerts', () => {
    const named: readonly string[] = page('operations.md').match(/\bHoldfast[A-Z]\w+/g) ?? [];
    const known = rules.map(({ alert }) => alert);
    expect(known.filter(alert => !named.includes(alert))).toEqual([]);
  });

  it('tell a broken expression from a whole one', () => {
    expect(problemsOf('sum(rate(a[5m]) > 0')).not.toEqual([]);
    expect(problemsOf('rate(a[5q])')).not.toEqual([]);
    expect(metricsOf('sum by (le) (rate(a_bucket{x="b"}[5m])) / max(c) > 1')).toEqual(['a', 'c']);
  });
});
