/** What Temporal Cloud would bill, as the server itself counts it (its metric `action`, heartbeats included). */

const REQUEST_MS = 10_000;

/** @throws Error where the server's metrics cannot be read. @returns Actions of a namespace since the server's start. */
export async function actionsIn(metricsUrl: string, namespace: string): Promise<number> {
  const response = await fetch(metricsUrl, { signal: AbortSignal.timeout(REQUEST_MS) });
  if (!response.ok) throw new Error(`the server's metrics answered ${response.status}`);
  return countActions(await response.text(), namespace);
}

/** Of a text in Prometheus's format, whose labels have no hyphens. Pure. */
export function countActions(text: string, namespace: string): number {
  const label = `namespace="${namespace.replaceAll('-', '_')}"`;
  return text
    .split('\n')
    .filter(line => line.startsWith('action{') && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
