import { describe, expect, it } from 'vitest';
import { consoleSettings } from '../src/console-settings.ts';

function settings(env: Readonly<Record<string, string>> = {}) {
  return consoleSettings(name => env[name]);
}

describe('settings of the console', () => {
  it('listen on loopback, with a token of their own at each start, and let everybody there read', () => {
    expect(settings()).toEqual({
      ...{ port: 8234, host: '127.0.0.1', token: undefined, readsNeedToken: false, temporalUi: undefined },
    });
  });

  it('ask for the token to read where tools are kept apart, and where others reach it', () => {
    expect(settings({ HOLDFAST_TOOL_USER: 'tool' }).readsNeedToken).toBe(true);
    expect(settings({ HOLDFAST_CONSOLE_HOST: '0.0.0.0' }).readsNeedToken).toBe(true);
    expect(settings({ HOLDFAST_CONSOLE_HOST: '::1' }).readsNeedToken).toBe(false);
    expect(settings({ HOLDFAST_TOOL_USER: 'tool', HOLDFAST_CONSOLE_READ: 'open' }).readsNeedToken).toBe(
      false,
    );
  });

  it.each([
    [{ HOLDFAST_CONSOLE_PORT: '80x' }, 'HOLDFAST_CONSOLE_PORT is 80x'],
    [{ HOLDFAST_CONSOLE_HOST: 'example.com' }, 'HOLDFAST_CONSOLE_HOST is example.com'],
    [{ HOLDFAST_CONSOLE_READ: 'no' }, 'HOLDFAST_CONSOLE_READ is no'],
    [{ HOLDFAST_TEMPORAL_UI: 'javascript:alert(1)' }, 'HOLDFAST_TEMPORAL_UI is not an http(s) address'],
  ])('%j is refused by its name', (env, message) => {
    expect(() => settings(env)).toThrow(message);
  });

  it.each(['short', 'sixteen chars & more', 'x'.repeat(15)])(
    'the token %j is refused, and not told',
    token => {
      expect(() => settings({ HOLDFAST_CONSOLE_TOKEN: token })).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(`is ${token}`) }),
      );
    },
  );
});
