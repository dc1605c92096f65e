/** What an MCP tool may answer that the API has no block for is told in words: the tool has run, its text must arrive. */
import type { MCPCallToolResultLike, MCPToolResultContentLike } from '@anthropic-ai/sdk/helpers/beta/mcp';
import type { CallToolResult } from '@modelcontextprotocol/client';

/** The block types that the SDK's helper takes images of. */
const IMAGES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

export function postable(result: CallToolResult): MCPCallToolResultLike {
  const { content = [], structuredContent, isError } = result;
  return {
    content: content.map(block => postableBlock(block as MCPToolResultContentLike)),
    ...(typeof structuredContent === 'object' && structuredContent !== null ? { structuredContent } : {}),
    ...(isError === undefined ? {} : { isError }),
  };
}

function postableBlock(block: MCPToolResultContentLike): MCPToolResultContentLike {
  switch (block.type) {
    case 'resource_link':
      return textBlock(`${block.name}: ${block.uri}`);
    case 'audio':
      return textBlock(leftOut(block.mimeType, block.data));
    case 'image':
      return IMAGES.includes(block.mimeType) ? block : textBlock(leftOut(block.mimeType, block.data));
    case 'resource': {
      const { resource } = block;
      // The helper takes text of text types only.
      if ('text' in resource) return { type: 'resource', resource: { ...resource, mimeType: 'text/plain' } };
      const { mimeType: type = '' } = resource;
      if (type.startsWith('text/') || type === 'application/pdf' || IMAGES.includes(type)) return block;
      return textBlock(`${resource.uri} ${leftOut(type, resource.blob)}`);
    }
    default:
      return block;
  }
}

function leftOut(type: string, base64: string): string {
  return `[${type === '' ? 'binary data' : type} of ${Math.floor((base64.length * 3) / 4)} bytes left out: the API has no block for it]`;
}

function textBlock(text: string): MCPToolResultContentLike {
  return { type: 'text', text };
}
