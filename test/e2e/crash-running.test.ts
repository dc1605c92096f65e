/** Crashes while a call is run, stopped, or found interrupted (I4, I5, I10). */
import { describeCrashes } from './support/crash.ts';

describeCrashes(import.meta.url, [
  'call.unscheduled',
  'run.begun',
  'put.received',
  'call.claimed',
  'marker.durable',
  'tool.running',
  'tool.ended',
  'content.durable',
  'outcome.durable',
  'run.answered',
  'stop.begun',
  'stop.received',
  'stop.killed',
  'stop.answered',
  'report.unrecorded',
  'report.recorded',
]);
