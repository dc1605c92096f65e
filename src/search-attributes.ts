/**
 * The typed search attributes of a session's workflow. Workflow code imports this file, so it may import nothing
 * but @temporalio/common. A server refuses to start a workflow that sets an attribute it does not know: see
 * register-search-attributes.ts.
 */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

export const holdfastState = defineSearchAttributeKey('HoldfastState', SearchAttributeType.KEYWORD);
export const holdfastOpenCalls = defineSearchAttributeKey('HoldfastOpenCalls', SearchAttributeType.INT);
export const holdfastHeldCalls = defineSearchAttributeKey('HoldfastHeldCalls', SearchAttributeType.INT);
export const holdfastHost = defineSearchAttributeKey('HoldfastHost', SearchAttributeType.KEYWORD);
export const holdfastEnvironment = defineSearchAttributeKey(
  'HoldfastEnvironment',
  SearchAttributeType.KEYWORD,
);

/** All of them, in the order in which a person reads them. */
export const searchAttributes = [
  holdfastState,
  holdfastOpenCalls,
  holdfastHeldCalls,
  holdfastHost,
  holdfastEnvironment,
] as const;
