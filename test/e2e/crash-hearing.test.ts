/** Crashes while a session is listened to, and while its workspace is opened (I1, I3, I4). */
import { describeCrashes } from './support/crash.ts';
import { HEARING } from './support/crash-cases.ts';

describeCrashes(import.meta.url, HEARING);
