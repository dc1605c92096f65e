import { describe, expect, it } from 'vitest';
import { sessionsTokenFromSecret } from '../../src/anthropic/work-secret.ts';

const encoded = (payload: unknown) => Buffer.from(JSON.stringify(payload)).toString('base64');

describe('row 80: the token of a secret', () => {
  // Of a length that needs padding, with characters that only one of the two alphabets has.
  const payload = { sessions_token: 'sk-ant-req-1', api_base_url: 'https://?>~~', auth: ['x'] };
  it.each([
    ['padded base64', encoded(payload)],
    ['unpadded', encoded(payload).replace(/=+$/, '')],
    ['URL-safe', Buffer.from(JSON.stringify(payload)).toString('base64url')],
    ['with fields that we do not know', encoded({ ...payload, session_ingress_token: 'other' })],
  ])('is found: %s', (_, secret) => {
    expect(sessionsTokenFromSecret(secret)).toBe('sk-ant-req-1');
  });

  it.each([
    ['null', null],
    ['nothing', undefined],
    ['empty', ''],
    ['not base64', '%%% not base64 %%%'],
    ['not UTF-8', Buffer.from([0xff, 0xfe, 0x22]).toString('base64')],
    ['not JSON', Buffer.from('sk-ant-req-1').toString('base64')],
    ['a JSON list', encoded(['sk-ant-req-1'])],
    ['JSON null', encoded(null)],
    ['without a token', encoded({ api_base_url: 'x' })],
    ['an empty token', encoded({ sessions_token: '' })],
    ['a token that is no text', encoded({ sessions_token: 7 })],
  ])('is none: %s', (_, secret) => {
    expect(sessionsTokenFromSecret(secret)).toBeNull();
  });
});
