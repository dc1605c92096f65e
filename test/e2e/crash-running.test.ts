/** Crashes while a call is run, stopped, or found interrupted (I4, I5, I10). */
import { describeCrashes } from './support/crash.ts';
import { RUNNING } from './support/crash-cases.ts';

describeCrashes(import.meta.url, RUNNING);
