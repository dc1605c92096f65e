/** Crashes while results are posted, and while a session goes on in its next run or ends (I5, I8, I11). */
import { describeCrashes } from './support/crash.ts';
import { POSTING } from './support/crash-cases.ts';

describeCrashes(import.meta.url, POSTING);
