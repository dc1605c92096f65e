/** The demo's own tool: a mail that must not be sent twice. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema';
import { mailEffect } from './effects.ts';

/** How long one call takes. */
export const SEND_MAIL_MS = 500;

/** @param effectsFile takes one line for each mail; the file is only ever appended to. */
export function demoTools(effectsFile: string) {
  const sendMail = betaTool({
    name: 'send_mail',
    description: 'Tells a customer about the release.',
    inputSchema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
    run: async ({ to }) => {
      appendFileSync(effectsFile, `${mailEffect(to)}\n`);
      await sleep(SEND_MAIL_MS);
      return `sent to ${to}`;
    },
  });
  return [sendMail];
}
