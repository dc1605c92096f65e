import { describe, expect, test } from 'vitest';
import { resultEvent, textBlock, toContent } from '../../src/session/answers.ts';

const NO_OUTPUT = { type: 'text', text: '(no output)' };

function contentOf(returned: unknown) {
  const mapped = toContent(returned);
  if (mapped.kind !== 'content') throw new Error(mapped.reason);
  return mapped.content;
}

describe('what a tool returns becomes session content', () => {
  test('row 34: text passes unchanged', () => {
    expect(contentOf('two\nlines ')).toEqual([{ type: 'text', text: 'two\nlines ' }]);
    expect(contentOf([{ type: 'text', text: ' x' }])).toEqual([{ type: 'text', text: ' x' }]);
  });

  test.each([
    ['image', { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }],
    [
      'document',
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'hi' }, title: 't' },
    ],
  ])('rows 35, 36: an %s block passes unchanged', (_, block) => {
    expect(contentOf([block])).toEqual([block]);
  });

  test('row 32: a search_result stays a search_result', () => {
    const block = {
      type: 'search_result',
      source: 'https://example.com',
      title: 'Example',
      content: [{ type: 'text', text: 'found' }],
      citations: { enabled: true },
    };
    expect(contentOf([block])).toEqual([block]);
  });

  test.each([undefined, null, {}, { enabled: undefined }])(
    'row 33: citations %o are filled in as off',
    citations => {
      const block = {
        type: 'search_result',
        source: 's',
        title: 't',
        content: [{ type: 'text', text: 'x' }],
        citations,
      };
      expect(contentOf([block])).toEqual([{ ...block, citations: { enabled: false } }]);
    },
  );

  test('row 32: only the fields that the Sessions API knows are sent', () => {
    const block = {
      type: 'search_result',
      source: 's',
      title: 't',
      content: [{ type: 'text', text: 'x', citations: null, cache_control: null }],
      cache_control: { type: 'ephemeral' },
    };
    expect(contentOf([block])).toEqual([
      {
        type: 'search_result',
        source: 's',
        title: 't',
        content: [{ type: 'text', text: 'x' }],
        citations: { enabled: false },
      },
    ]);
  });

  test.each([[{ type: 'tool_reference', tool_name: 'x' }], [{ type: 'thinking' }], [42], [null], [{}]])(
    'row 37: the block %o becomes its JSON in a text block',
    block => {
      expect(contentOf([block])).toEqual([{ type: 'text', text: JSON.stringify(block) }]);
    },
  );

  test('row 38: several blocks stay several, in their order', () => {
    const blocks = [
      { type: 'text', text: 'a' },
      { type: 'x', y: 1 },
      { type: 'text', text: 'b' },
    ];
    expect(contentOf(blocks).map(block => block.type)).toEqual(['text', 'text', 'text']);
    expect(contentOf(blocks)[1]).toEqual({ type: 'text', text: '{"type":"x","y":1}' });
  });
});

describe('W-19: no empty text reaches the API, which would refuse the whole request', () => {
  test.each(['', ' ', '\n\t ', '\u00a0'])('blank text %j is replaced', text => {
    expect(contentOf(text)).toEqual([NO_OUTPUT]);
    expect(contentOf([{ type: 'text', text }])).toEqual([NO_OUTPUT]);
  });

  test('an empty list, and a text block without a text', () => {
    expect(contentOf([])).toEqual([NO_OUTPUT]);
    expect(contentOf([{ type: 'text' }])).toEqual([NO_OUTPUT]);
  });

  test.each([[[]], [undefined], [[{ type: 'text', text: ' ' }]], [['x', null]]])(
    'a search_result with the content %o gets one block that is not empty',
    content => {
      expect(contentOf([{ type: 'search_result', source: 's', title: 't', content }])).toMatchObject([
        { content: [NO_OUTPUT] },
      ]);
    },
  );

  test('blank blocks beside others in a search_result are left out', () => {
    const content = [
      { type: 'text', text: '' },
      { type: 'text', text: 'x' },
    ];
    expect(contentOf([{ type: 'search_result', source: 's', title: 't', content }])).toMatchObject([
      { content: [{ type: 'text', text: 'x' }] },
    ]);
  });
});

test('a lone surrogate is replaced wherever a tool may put one', () => {
  const source = 'a\ud800b';
  const wellFormed = 'a\ufffdb';
  expect(textBlock(source)).toEqual({ type: 'text', text: wellFormed });
  const block = { type: 'search_result', source, title: source, content: [{ type: 'text', text: source }] };
  expect(contentOf([block])).toMatchObject([
    { source: wellFormed, title: wellFormed, content: [{ type: 'text', text: wellFormed }] },
  ]);
});

test.each([
  [undefined, 'undefined'],
  [null, 'null'],
  [{}, 'object'],
  [3, 'number'],
])('a tool that returns %o is told what it must return', (returned, what) => {
  expect(toContent(returned)).toEqual({
    kind: 'unusable',
    reason: `the tool returned ${what}, not a string or an array of content blocks`,
  });
});

describe('I6: each kind of call takes its own kind of result', () => {
  const content = [textBlock('ok')];

  test('row 1: agent.tool_use is answered by user.tool_result', () => {
    expect(resultEvent({ id: 'c1', type: 'agent.tool_use' }, false, content)).toEqual({
      type: 'user.tool_result',
      tool_use_id: 'c1',
      is_error: false,
      content,
    });
  });

  test('row 30: agent.custom_tool_use is answered by user.custom_tool_result', () => {
    expect(resultEvent({ id: 'c1', type: 'agent.custom_tool_use' }, true, content)).toEqual({
      type: 'user.custom_tool_result',
      custom_tool_use_id: 'c1',
      is_error: true,
      content,
    });
  });
});
