/**
 * Keeps a tool's result within bounds before it leaves its thread (I11, I12): a tool that returns 200 MB must cost
 * neither the host's memory nor its siblings'. Head and tail are kept, and the text says what is missing.
 */

/** The same value when its content fits `maxBytes` as JSON, else a cut one. Never throws on odd values. */
export function boundResult(returned: unknown, maxBytes: number): unknown {
  if (typeof returned === 'string') return boundText(returned, maxBytes);
  if (!Array.isArray(returned)) return returned;
  const kept: unknown[] = [];
  let room = maxBytes;
  for (const [index, block] of returned.entries()) {
    const bounded = boundBlock(block, room);
    kept.push(bounded);
    room -= jsonBytes(bounded);
    if (room <= 0 && index + 1 < returned.length) {
      kept.push(textOf(`[${returned.length - index - 1} more blocks left out: the result was too large]`));
      break;
    }
  }
  return kept;
}

function boundBlock(block: unknown, room: number): unknown {
  if (isTextBlock(block)) {
    const text = boundText(block.text, room);
    return text === block.text ? block : textOf(text);
  }
  const bytes = jsonBytes(block);
  if (bytes <= room) return block;
  return textOf(`[a content block of ${bytes} bytes left out: the result was too large]`);
}

function boundText(text: string, maxBytes: number): string {
  // A character is at most 6 bytes of JSON (\u0000): most results pass without being measured.
  if (text.length * 6 <= maxBytes) return text;
  if (text.length <= maxBytes && jsonBytes(text) <= maxBytes) return text;
  const half = Math.floor(Math.max(0, Math.min(text.length, maxBytes)) / 2);
  return joinEnds(text.slice(0, half), half === 0 ? '' : text.slice(-half), text.length, maxBytes);
}

/** As much of head and tail as fits `maxBytes` of JSON, with a notice between that tells the `total` length. */
export function joinEnds(head: string, tail: string, total: number, maxBytes: number): string {
  let half = Math.max(head.length, tail.length);
  for (;;) {
    const first = head.slice(0, half);
    const last = half === 0 ? '' : tail.slice(-half);
    const left = total - first.length - last.length;
    const joined = `${first}\n[${left} of ${total} characters left out here: the result was too large]\n${last}`;
    const bytes = jsonBytes(joined);
    if (bytes <= maxBytes || half === 0) return joined;
    half = Math.max(0, Math.floor(Math.min(half - 256, (half * maxBytes * 0.95) / bytes)));
  }
}

function textOf(text: string): { type: 'text'; text: string } {
  return { type: 'text', text };
}

function isTextBlock(block: unknown): block is { type: 'text'; text: string } {
  return (
    typeof block === 'object' &&
    block !== null &&
    'type' in block &&
    block.type === 'text' &&
    'text' in block &&
    typeof block.text === 'string'
  );
}

/** Infinity for what JSON cannot hold (a cycle, a BigInt): such a block is named as left out. */
function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value) ?? '');
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
