import { expect, test } from 'vitest';
import { inputLine, summaryOf } from '../../src/session/summary.ts';

test.each([
  ['bash', { command: 'npm test' }, 'bash: npm test'],
  ['read', { file_path: 'src/a.ts', view_range: [1, 2] }, 'read: src/a.ts'],
  ['grep', { pattern: 'x', path: 'src' }, 'grep: x'],
  ['get_weather', { city: 'Bern' }, 'get_weather: {"city":"Bern"}'],
  ['ping', {}, 'ping'],
  ['ping', undefined, 'ping'],
  ['ping', { command: '' }, 'ping: {"command":""}'],
  ['ping', 'text', 'ping: "text"'],
  ['list', { command: ['a'], name: 'n' }, 'list: n'],
])('%s with %o is shown as one line', (name, input, line) => {
  expect(summaryOf(name, input)).toBe(line);
});

test('a summary has no line break and nothing that could forge a line or turn its direction', () => {
  expect(summaryOf('bash', { command: 'a\nb\r\n\tc\u2028d\u202ee\u0000f\u001b[31m' })).toBe(
    'bash: a b c d e f [31m',
  );
  expect(summaryOf('ba\nsh', {})).toBe('ba sh');
});

test.each(['x', '😀', 'é', 'a😀'])('a long input of %s is cut to 120 characters, never inside one', unit => {
  const summary = summaryOf('bash', { command: unit.repeat(5_000) });
  expect([...summary]).toHaveLength(120);
  expect(summary.isWellFormed()).toBe(true);
  expect(summary.endsWith('…')).toBe(true);
});

test.each(['x', '😀'])('an input line of nothing but %s is cut as well', unit => {
  expect([...inputLine({ command: unit.repeat(5_000) })]).toHaveLength(200);
});

test('a line that just fits is not cut', () => {
  for (const unit of ['x', '😀']) expect(inputLine({ command: unit.repeat(200) })).toBe(unit.repeat(200));
});

test('a lone surrogate does not reach a line', () => {
  expect(summaryOf('bash', { command: 'a\ud800' })).toBe('bash: a\ufffd');
});
