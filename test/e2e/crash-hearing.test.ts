/** Crashes while a session is listened to, and while its workspace is opened (I1, I3, I4). */
import { describeCrashes } from './support/crash.ts';

describeCrashes(import.meta.url, [
  'listen.attached',
  'listen.page',
  'listen.unreleased',
  'signal.unsent',
  'signal.sent',
  'lease.ended',
  'lease.adopted',
  'open.begun',
  'journal.made',
  'host.unrecorded',
  'open.done',
]);
