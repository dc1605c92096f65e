/** The alert rules as Prometheus reads them. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const FILE = fileURLToPath(new URL('../../deploy/prometheus/alerts.yaml', import.meta.url));

export function alertRules(): AlertRule[] {
  const { groups } = parse(readFileSync(FILE, 'utf8')) as { groups: { rules: AlertRule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Where an expression of PromQL is not one. */
export function problemsOf(expr: string): string[] {
  const problems: string[] = [];
  parser.parse(expr).iterate({
    enter(node) {
      if (node.type.isError) problems.push(`at ${node.from}: ${expr.slice(node.from, node.from + 20)}`);
    },
  });
  return problems;
}

/** The metrics that it asks for; a histogram by its own name. */
export function metricsOf(expr: string): string[] {
  const names = new Set<string>();
  parser.parse(expr).iterate({
    enter(node) {
      if (node.name !== 'VectorSelector') return;
      const name = node.node.getChild('Identifier');
      if (name !== null) names.add(expr.slice(name.from, name.to).replace(/_(bucket|sum|count)$/, ''));
    },
  });
  return [...names];
}
