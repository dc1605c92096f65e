import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';

const DAY = 86_400_000;

describe('how long workspaces are kept', () => {
  it.each([
    [undefined, { afterMs: 14 * DAY, untilEnd: false }],
    ['keep', { afterMs: null, untilEnd: false }],
    ['end', { afterMs: 14 * DAY, untilEnd: true }],
    ['72h', { afterMs: 3 * DAY, untilEnd: false }],
    ['7d', { afterMs: 7 * DAY, untilEnd: false }],
  ])('HOLDFAST_KEEP=%s', (text, keep) => {
    expect(readConfig({ HOLDFAST_KEEP: text }).keep).toMatchObject(keep);
  });

  it.each(['0', 'forever', '14', '-1d', 'd'])(
    'is not HOLDFAST_KEEP=%s: nothing is deleted by a slip',
    text => {
      expect(() => readConfig({ HOLDFAST_KEEP: text })).toThrow(ConfigError);
      expect(() => readConfig({ HOLDFAST_KEEP: text })).toThrow('HOLDFAST_KEEP is');
    },
  );
});

describe('the other bounds', () => {
  it('have defaults', () => {
    expect(readConfig({})).toMatchObject({
      maxHosts: 64,
      maxParallel: 8,
      sweepMs: 600_000,
      hostIdleMs: 3_600_000,
    });
  });

  it.each([
    ['HOLDFAST_MAX_HOSTS', '0'],
    ['HOLDFAST_MAX_HOSTS', '1.5'],
    ['HOLDFAST_MAX_PARALLEL', 'many'],
    ['HOLDFAST_SWEEP', 'often'],
    ['HOLDFAST_HOST_IDLE', '10ms'],
  ])('are refused with their name when they make no sense: %s=%s', (name, text) => {
    expect(() => readConfig({ [name]: text })).toThrow(name);
  });
});

describe('the deadline of approvals', () => {
  it('is none unless one is set', () => {
    expect(readConfig({}).approvalDeadlineMs).toBe(0);
    expect(readConfig({ HOLDFAST_APPROVAL_DEADLINE: '2h' }).approvalDeadlineMs).toBe(7_200_000);
    expect(() => readConfig({ HOLDFAST_APPROVAL_DEADLINE: 'soon' })).toThrow('HOLDFAST_APPROVAL_DEADLINE');
  });
});

describe('the request budget', () => {
  it('is the published limit for reads, and none for posts', () => {
    expect(readConfig({}).perMinute).toEqual({ read: 1_200, post: Number.POSITIVE_INFINITY });
  });

  it('may be lowered, raised or lifted', () => {
    const given = { HOLDFAST_READS_PER_MINUTE: '0', HOLDFAST_POSTS_PER_MINUTE: '300' };
    expect(readConfig(given).perMinute).toEqual({ read: Number.POSITIVE_INFINITY, post: 300 });
  });

  it.each(['5', '-1', '1.5', 'many', '1e9x'])('is not %s a minute', text => {
    expect(() => readConfig({ HOLDFAST_READS_PER_MINUTE: text })).toThrow(
      `HOLDFAST_READS_PER_MINUTE is ${text}`,
    );
  });
});

describe('where metrics are read', () => {
  it.each(['127.0.0.1:9464', '0.0.0.0:1', '[::1]:9464'])('may be %s', text => {
    expect(readConfig({ HOLDFAST_METRICS: text }).metrics).toBe(text);
  });

  it.each(['9464', 'localhost:9464', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:99999'])(
    'is not %s: Temporal takes an IP address and a port',
    text => {
      expect(() => readConfig({ HOLDFAST_METRICS: text })).toThrow(`HOLDFAST_METRICS is ${text}`);
    },
  );
});

it.each(['4999ms', '1s', '-1', 'NaN', '5'])(
  'row 73: a memory sync interval of %s is refused with what to write',
  text => {
    expect(() => readConfig({ HOLDFAST_MEMORY_SYNC: text })).toThrow(ConfigError);
    expect(() => readConfig({ HOLDFAST_MEMORY_SYNC: text })).toThrow(/HOLDFAST_MEMORY_SYNC is .*(write|not)/);
  },
);

it('memory stores are synced every 15 s, as the SDK does, and 0 turns them off', () => {
  expect(readConfig({}).memory).toEqual({ syncMs: 15_000, deletions: 'enabled' });
  expect(readConfig({ HOLDFAST_MEMORY_SYNC: '0' }).memory.syncMs).toBe(null);
  expect(readConfig({ HOLDFAST_MEMORY_SYNC: '5s' }).memory.syncMs).toBe(5_000);
  expect(() => readConfig({ HOLDFAST_MEMORY_DELETIONS: 'no' })).toThrow(
    'write enabled, log_only or disabled',
  );
});

describe('a credential that cannot be used', () => {
  it.each([
    ['ANTHROPIC_API_KEY', 'sk-planted\nkey'],
    ['ANTHROPIC_API_KEY', 'sk-planted key'],
    ['ANTHROPIC_ENVIRONMENT_KEY', 'sk-planted\u2028key'],
    ['ANTHROPIC_CUSTOM_HEADERS', 'X-Proxy: planted\rvalue'],
    ['ANTHROPIC_CUSTOM_HEADERS', 'X-Proxy: planted\u0142value'],
    ['ANTHROPIC_BASE_URL', 'https://user:planted@api.example'],
    ['ANTHROPIC_BASE_URL', 'ftp://user:planted@api.example'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'grpc://user:planted@collector.example'],
    ['HOLDFAST_KEY', 'planted'],
    ['HOLDFAST_OLD_KEYS', `${'0'.repeat(64)},planted`],
    ['HOLDFAST_CODEC_TOKEN', 'planted'],
    ['HOLDFAST_CODEC_TOKEN', 'planted and long enough'],
  ])('is named and not repeated: %s=%j', (name, value) => {
    const refused = () => readConfig({ [name]: value });
    expect(refused).toThrow(ConfigError);
    expect(refused).toThrow(new RegExp(`^${name} (?!.*planted)`));
  });
});

describe('encryption', () => {
  it('is off unless it is asked for, and has one key and any number of old ones', () => {
    const [key, old, older] = ['1', '2', '3'].map(digit => digit.repeat(64));
    expect(readConfig({})).toMatchObject({ encryptsPayloads: false, oldKeys: [], sealingKey: undefined });
    const given = { HOLDFAST_ENCRYPT: 'payloads', HOLDFAST_KEY: key, HOLDFAST_OLD_KEYS: `${old}, ${older},` };
    expect(readConfig(given)).toMatchObject({
      encryptsPayloads: true,
      sealingKey: key,
      oldKeys: [old, older],
    });
    expect(() => readConfig({ HOLDFAST_ENCRYPT: 'yes' })).toThrow(
      'HOLDFAST_ENCRYPT is yes: write payloads or off',
    );
  });
});
