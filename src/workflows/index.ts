/** What Temporal bundles: the workflows by their names. */
export { runSession } from './run-session.ts';
export { sendNotice } from './send-notice.ts';
