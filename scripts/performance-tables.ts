/**
 * Puts the tables of a bench record into docs/performance.md, between their marks, and draws its chart:
 *
 *   node scripts/performance-tables.ts out.json    keeps what it needs of out.json as docs/performance.json first
 *   node scripts/performance-tables.ts             from docs/performance.json
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BenchRecord } from '../bench/record.ts';
import { costChart } from '../bench/report/chart.ts';
import { costTable, sizingTable } from '../bench/report/sizing.ts';
import { reportOf } from '../bench/report/table.ts';
import { marksOf, withSection } from './marked-section.ts';

const RECORD = new URL('../docs/performance.json', import.meta.url);
export const PAGE = new URL('../docs/performance.md', import.meta.url);
export const CHART = new URL('../docs/images/performance.svg', import.meta.url);

const TABLES = { report: reportOf, cost: costTable, sizing: sizingTable };

/** The page with this record's tables. @throws Error where a mark is missing. */
export function withTables(page: string, record: BenchRecord): string {
  return Object.entries(TABLES).reduce((text, [name, make]) => {
    const next = withSection(text, name, `\n${make(record).trim()}\n`);
    if (next === undefined) throw new Error(`docs/performance.md has no ${marksOf(name).join(' … ')}`);
    return next;
  }, page);
}

/** Without the single times: the summaries are what tables and --compare need. */
function slim(record: BenchRecord): BenchRecord {
  const workloads = record.workloads.map(workload => ({
    ...workload,
    peers: workload.peers.map(peer => ({ ...peer, samples: [] })),
  }));
  return { ...record, workloads };
}

export function keptRecord(): BenchRecord {
  return JSON.parse(readFileSync(RECORD, 'utf8')) as BenchRecord;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [file] = process.argv.slice(2);
  if (file !== undefined) {
    const record = slim(JSON.parse(readFileSync(file, 'utf8')) as BenchRecord);
    writeFileSync(RECORD, `${JSON.stringify(record, null, 1)}\n`);
  }
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), keptRecord()));
  writeFileSync(CHART, costChart(keptRecord()));
}
