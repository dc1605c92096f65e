/** What Temporal bundles: the workflow by its name. */
export { runSession } from './run-session.ts';
