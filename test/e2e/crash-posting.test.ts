/** Crashes while results are posted, and while a session goes on in its next run or ends (I5, I8, I11). */
import { describeCrashes } from './support/crash.ts';

describeCrashes(import.meta.url, [
  'post.unscheduled',
  'post.unsent',
  'post.accepted',
  'post.done',
  'stored.begun',
  'stored.read',
  'continue.unsent',
  'continue.begun',
  'idle.fired',
  'tail.unread',
  'tail.read',
  'close.begun',
  'close.ended',
  'close.done',
]);
