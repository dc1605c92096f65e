import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type KeyRing, keyOf, loadKeyRing } from '../src/key-ring.ts';
import { createPayloadCodec, keyIdOf, PayloadKeyError, telling } from '../src/payload-codec.ts';

const OLD = keyOf(Buffer.alloc(32, 1));
const NEW = keyOf(Buffer.alloc(32, 2));
const session = (workflowId: string) => ({ type: 'workflow', namespace: 'n', workflowId }) as const;

function ring(...keys: (typeof OLD)[]): KeyRing {
  return { current: keys[0], all: new Map(keys.map(key => [key.id, key])) };
}

const codecOf = (keys: KeyRing, encrypts = true, unreadable: 'throw' | 'tell' = 'throw') =>
  createPayloadCodec({ encrypts, keys: async () => keys, unreadable });

const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value) as Payload;
const contentOf = (payload: Payload | undefined) => defaultPayloadConverter.fromPayload(payload as Payload);

async function one(payloads: Promise<Payload[]>): Promise<Payload> {
  const [payload] = await payloads;
  if (payload === undefined) throw new Error('no payload');
  return payload;
}

/** All of it that whoever stores it can read. */
const visible = ({ metadata, data }: Payload) =>
  [
    ...Object.entries(metadata ?? {}).flatMap(([name, value]) => [
      name,
      Buffer.from(value).toString('latin1'),
    ]),
  ]
    .concat(Buffer.from(data ?? []).toString('latin1'))
    .join('\n');

describe('an encrypted payload', () => {
  it('comes back as it was, whatever it held', async () => {
    const codec = codecOf(ring(NEW));
    const anyPayload = fc.record({
      metadata: fc.dictionary(fc.string(), fc.uint8Array(), { noNullPrototype: true }),
      data: fc.uint8Array({ maxLength: 2_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyPayload, { maxLength: 4 }), async payloads => {
        const encoded = await codec.encode(payloads, session('sesn_1'));
        const decoded = await codec.decode(encoded, session('sesn_1'));
        // Absent and empty are the same on the wire.
        const plain = ({ metadata, data }: Payload) => ({
          metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([k, v]) => [k, [...v]])),
          data: [...(data ?? [])],
        });
        expect(decoded.map(plain)).toEqual(payloads.map(plain));
      }),
    );
    for (const value of [undefined, null, '', { a: ['ü'] }, new Uint8Array([0, 255])])
      expect(contentOf(await one(codec.decode(await codec.encode([payloadOf(value)]))))).toEqual(value);
  });

  it('shows the key’s id and the session, and nothing of what it holds, not even that it is the same again', async () => {
    const codec = codecOf(ring(NEW));
    const payload = payloadOf({ command: 'planted' });
    const [first, second] = await codec.encode([payload, payload], session('sesn_1'));
    expect(visible(first as Payload)).not.toMatch(/planted|command|json/);
    expect(visible(first as Payload)).toContain(`encryption-key-id\n${NEW.id}`);
    expect(visible(first as Payload)).toContain('sesn_1');
    expect(first?.data).not.toEqual(second?.data);
    expect(visible(first as Payload)).not.toContain(NEW.secret.toString('latin1'));
  });

  it('is at most 200 bytes longer, so that what fits into a payload still does', async () => {
    const codec = codecOf(ring(NEW));
    for (const bytes of [0, 1_000, 256_000, 2_000_000]) {
      const payload = payloadOf('x'.repeat(bytes));
      const encoded = await one(codec.encode([payload], session(`sesn_${'0'.repeat(30)}`)));
      expect(visible(encoded).length - visible(payload).length).toBeLessThan(200);
    }
  });

  it('opens in its session only, and nowhere when a bit of it, its key’s id or its session was changed', async () => {
    const codec = codecOf(ring(NEW, OLD));
    const encoded = await one(codec.encode([payloadOf('mine')], session('sesn_1')));
    expect(contentOf(await one(codec.decode([encoded])))).toBe('mine');
    await expect(codec.decode([encoded], session('sesn_2'))).rejects.toThrow(
      /of sesn_2 was encrypted for sesn_1/,
    );
    const metadata = encoded.metadata ?? {};
    const data = encoded.data ?? new Uint8Array();
    const changed: Payload[] = [0, 20, data.length - 1].map(at => ({
      metadata,
      data: data.map((byte, index) => (index === at ? byte ^ 1 : byte)),
    }));
    const { encoding, 'encryption-key-id': keyId } = metadata as Record<string, Uint8Array>;
    changed.push({ metadata, data: data.subarray(0, 10) }, { metadata });
    changed.push({ metadata: { ...metadata, 'encryption-key-id': Buffer.from(OLD.id) }, data });
    changed.push({ metadata: { ...metadata, 'holdfast-session': Buffer.from('sesn_2') }, data });
    changed.push({ metadata: { encoding, 'encryption-key-id': keyId } as Record<string, Uint8Array>, data });
    for (const payload of changed) await expect(codec.decode([payload])).rejects.toThrow(/was changed since/);
  });
});

describe('keys', () => {
  it('are rotated by listing the old one: the new one encrypts, both decrypt', async () => {
    const before = await one(codecOf(ring(OLD)).encode([payloadOf('before')]));
    const rotated = codecOf(ring(NEW, OLD));
    const after = await one(rotated.encode([payloadOf('after')]));
    expect([keyIdOf(before), keyIdOf(after), keyIdOf(payloadOf('plain'))]).toEqual([
      OLD.id,
      NEW.id,
      undefined,
    ]);
    expect((await rotated.decode([before, after])).map(contentOf)).toEqual(['before', 'after']);
  });

  it('that are not there are named by their ids, with what to set', async () => {
    const encoded = await one(codecOf(ring(OLD)).encode([payloadOf('x')]));
    const refused = (keys: KeyRing) => codecOf(keys).decode([encoded]).catch(String);
    expect(await refused(ring(NEW))).toBe(
      `PayloadKeyError: a payload is encrypted with key ${OLD.id}, and here is only ${NEW.id}: set HOLDFAST_KEY as the ` +
        'workers have it, or add that key to HOLDFAST_OLD_KEYS',
    );
    expect(await refused(ring())).toMatch(/there is no key here: set HOLDFAST_KEY as the workers have it$/);
    await expect(codecOf(ring()).encode([payloadOf('x')])).rejects.toThrow(/no key here: set HOLDFAST_KEY/);
    const foreign = { ...encoded, metadata: { encoding: Buffer.from('binary/encrypted') } };
    await expect(codecOf(ring(OLD)).decode([foreign])).rejects.toThrow(/by another program: it names no key/);
  });

  it('that are not there leave a text in place of the payload where one is to be shown', async () => {
    const encoded = await codecOf(ring(OLD)).encode([payloadOf('x')]);
    const mixed = [...encoded, payloadOf('plain')];
    const [told, plain] = (await codecOf(ring(NEW), true, 'tell').decode(mixed)).map(contentOf);
    expect(told).toContain(`encrypted with key ${OLD.id}`);
    expect(plain).toBe('plain');
  });

  it('come from a key file too, which goes on decrypting beside a HOLDFAST_KEY that replaced it', async () => {
    const stateDir = mkdtempSync(join(tmpdir(), 'hfk-'));
    onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
    const settings = { sealingKey: undefined, oldKeys: [], stateDir };
    const codec = createPayloadCodec({ encrypts: true, keys: () => loadKeyRing(settings) });
    await expect(codec.encode([payloadOf('x')])).rejects.toThrow(PayloadKeyError);
    // A worker makes one; who was there before it takes it from then on.
    const { current } = await loadKeyRing(settings, true);
    const encoded = await one(codec.encode([payloadOf('x')]));
    expect(keyIdOf(encoded)).toBe(current?.id);
    const given = {
      ...settings,
      sealingKey: NEW.secret.toString('hex'),
      oldKeys: [OLD.secret.toString('base64')],
    };
    const replaced = await loadKeyRing(given);
    expect(replaced.current?.id).toBe(NEW.id);
    expect([...replaced.all.keys()].sort()).toEqual([current?.id, OLD.id, NEW.id].sort());
    expect(contentOf(await one(codecOf(replaced).decode([encoded])))).toBe('x');
  });
});

it('payloads pass as they are while encryption is off; what was encrypted before is still read', async () => {
  const encoded = await codecOf(ring(NEW)).encode([payloadOf('before')]);
  const off = codecOf(ring(NEW), false);
  const plain = [payloadOf('after')];
  expect(await off.encode(plain)).toEqual(plain);
  expect((await off.decode([...encoded, ...plain])).map(contentOf)).toEqual(['before', 'after']);
});

it('the client of a list is told which key it lacks, and the list goes on', async () => {
  const encoded = await codecOf(ring(OLD)).encode([payloadOf('x'), payloadOf('y')]);
  const codec = codecOf(ring(NEW));
  await expect(codec.decode(encoded)).rejects.toThrow(PayloadKeyError);
  expect((await telling(codec).decode(encoded)).map(contentOf)).toEqual([
    expect.stringContaining(OLD.id),
    expect.stringContaining(OLD.id),
  ]);
});
