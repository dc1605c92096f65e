import type { ServedTool } from '../session/served-tool.ts';

export interface DescribeToolsResult {
  readonly tools: readonly ServedTool[];
  readonly moduleHash: string;
}

/**
 * Names and policies of the tools this deployment serves, told without opening a workspace, so that calls of
 * other clients cost no process (§4). Read at the worker's start, and anew when `up` sees an edit.
 */
export function createDescribeTools(described: DescribeToolsResult) {
  // The input is what a worker without the right key cannot read: it must not answer with another one.
  return async function describeTools(_: { readonly sessionId: string }): Promise<DescribeToolsResult> {
    const { tools, moduleHash } = described;
    return { tools, moduleHash };
  };
}
