/** Rows 32 to 38 of behaviours.md §2.1: what a tool returns or throws, as the API is told it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { SessionHandle } from '../../src/emulator/handle.ts';
import { ROWS_TOOLS } from './support/rows.ts';
import { sharedWorld } from './support/world.ts';

const shared = sharedWorld(import.meta.url, { tools: ROWS_TOOLS });

const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
const document = {
  type: 'document',
  source: { type: 'text', media_type: 'text/plain', data: 'a page' },
  title: 'A page',
};
const found = {
  type: 'search_result',
  source: 'https://example.com/a',
  title: 'A hit',
  content: [{ type: 'text', text: 'what it says' }],
};
const cited = { ...found, citations: { enabled: true } };
const reference = { type: 'tool_reference', tool_name: 'other' };
const text = (value: string) => ({ type: 'text', text: value });

/** What the tool returns or throws, by the key that names its call. */
const given = {
  text: 'line one\n  line two ✓',
  blocks: [text('one'), text('two')],
  image: [image],
  document: [document],
  cited: [cited],
  uncited: [found],
  reference: [reference],
  mixed: [text('look'), image, cited],
};

describe('content', () => {
  let session: SessionHandle;

  /** The event that answered the call `key`. */
  function posted(key: string): unknown {
    const call = session.ledger().calls.find(each => (each.input as { key: string }).key === key);
    expect(call?.accepted).toHaveLength(1);
    return call?.accepted[0]?.event;
  }

  // One session calls for all of it, each value by itself.
  beforeAll(async () => {
    const w = shared();
    session = w.session([
      { calls: Object.entries(given).map(([key, value]) => ({ call: 'give', input: { key, value } })) },
      { call: 'refuse', input: { key: 'refused', value: given.mixed } },
    ]);
    const summary = await (await w.begin(session.id)).result();
    expect(summary.calls.map(({ posted, attempts }) => [posted, attempts])).toEqual(
      Array.from({ length: 9 }, () => [true, 1]),
    );
  });

  it('row 32: a search_result block stays one', () => {
    expect(posted('cited')).toMatchObject({ is_error: false, content: [cited] });
  });

  it('row 33: citations are filled in as off where the tool leaves them out', () => {
    expect(posted('uncited')).toMatchObject({ content: [{ ...found, citations: { enabled: false } }] });
  });

  it('row 34: text passes unchanged', () => {
    expect(posted('text')).toMatchObject({ is_error: false, content: [text(given.text)] });
    expect(posted('blocks')).toMatchObject({ is_error: false, content: given.blocks });
  });

  it('row 35: an image passes unchanged', () => {
    expect(posted('image')).toMatchObject({ is_error: false, content: [image] });
  });

  it('row 36: a document passes unchanged', () => {
    expect(posted('document')).toMatchObject({ is_error: false, content: [document] });
  });

  it('row 37: a block that the API does not take becomes its JSON in a text block', () => {
    expect(posted('reference')).toMatchObject({
      is_error: false,
      content: [text(JSON.stringify(reference))],
    });
  });

  it('row 38: a ToolError with blocks is an error with exactly those blocks', () => {
    expect(posted('refused')).toMatchObject({ is_error: true, content: given.mixed });
    expect(posted('mixed')).toMatchObject({ is_error: false, content: given.mixed });
  });
});
