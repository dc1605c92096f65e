import { describe, expect, it } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';

const SECRET = `whsec_${'QUJD'.repeat(8)}`;
const read = (env: Record<string, string>) => readConfig(env).notices;

describe('settings of notices', () => {
  it('are off by themselves, and a session counts as stuck after five minutes', () => {
    expect(read({})).toEqual({
      url: undefined,
      secrets: [],
      command: undefined,
      perMinute: 60,
      timeoutMs: 10_000,
      stuckAfterMs: 300_000,
    });
  });

  it('take an address with its secrets, and a command as words or as JSON', () => {
    expect(
      read({
        HOLDFAST_NOTIFY_URL: 'https://duty:pass@pager.example/hook',
        HOLDFAST_NOTIFY_SECRET: `${SECRET}, ${SECRET}`,
        HOLDFAST_NOTIFY_COMMAND: '["page", "the one on duty"]',
        HOLDFAST_NOTIFY_TIMEOUT: '2s',
        HOLDFAST_NOTIFY_PER_MINUTE: '5',
        HOLDFAST_STUCK_AFTER: '0',
      }),
    ).toMatchObject({
      url: 'https://duty:pass@pager.example/hook',
      secrets: [SECRET, SECRET],
      command: ['page', 'the one on duty'],
      perMinute: 5,
      timeoutMs: 2_000,
      stuckAfterMs: 0,
    });
    expect(read({ HOLDFAST_NOTIFY_COMMAND: 'page --now' }).command).toEqual(['page', '--now']);
  });

  it.each([
    [{ HOLDFAST_NOTIFY_URL: 'https://pager.example/planted' }, 'needs HOLDFAST_NOTIFY_SECRET'],
    [
      { HOLDFAST_NOTIFY_URL: 'file:///etc/planted', HOLDFAST_NOTIFY_SECRET: SECRET },
      'HOLDFAST_NOTIFY_URL is not',
    ],
    [
      { HOLDFAST_NOTIFY_URL: 'pager.example/planted', HOLDFAST_NOTIFY_SECRET: SECRET },
      'HOLDFAST_NOTIFY_URL is not',
    ],
    [{ HOLDFAST_NOTIFY_SECRET: 'whsec_planted' }, 'HOLDFAST_NOTIFY_SECRET is no signing secret'],
    [{ HOLDFAST_NOTIFY_SECRET: 'planted!' }, 'HOLDFAST_NOTIFY_SECRET is no signing secret'],
    [{ HOLDFAST_NOTIFY_COMMAND: '[planted' }, 'HOLDFAST_NOTIFY_COMMAND starts with "["'],
    [{ HOLDFAST_NOTIFY_TIMEOUT: '2h' }, 'HOLDFAST_NOTIFY_TIMEOUT is 2h'],
    [{ HOLDFAST_NOTIFY_PER_MINUTE: '0' }, 'HOLDFAST_NOTIFY_PER_MINUTE is 0'],
    [{ HOLDFAST_STUCK_AFTER: '10ms' }, 'HOLDFAST_STUCK_AFTER is 10ms'],
  ])('%j is refused in one line that shows no secret', (env, message) => {
    const reading = () => read(env as Record<string, string>);
    expect(reading).toThrow(ConfigError);
    expect(reading).toThrow(message);
    expect(reading).not.toThrow('planted');
  });
});
