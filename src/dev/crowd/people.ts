/** The people of a crowd, who act through the API: they allow and deny, interrupt, and write again. */
import { Anthropic } from '@anthropic-ai/sdk';
import type { EventSendParams } from '@anthropic-ai/sdk/resources/beta/sessions/events';
import type { SessionHandle } from '../../emulator/handle.ts';
import type { EffectsReader } from '../chaos/effects.ts';
import { beginOf } from '../chaos/tools.ts';
import type { Member } from './members.ts';

/** How long a person thinks about a call that waits for them. */
const THINKING_MS = 3_000;

export interface People {
  /** Looks at every session once, and does what is due. @throws what the API answers to it. */
  act(): Promise<void>;
}

/** @param wake starts the session's run again after a message, as a backend does. */
export function createPeople(
  crowd: readonly (readonly [Member, SessionHandle])[],
  apiUrl: string,
  effects: EffectsReader,
  wake: (sessionId: string) => Promise<void>,
): People {
  const client = new Anthropic({ baseURL: apiUrl, apiKey: 'people', authToken: null, logLevel: 'off' });
  const done = new Set<string>();
  const send = (id: string, event: EventSendParams['events'][number]) =>
    client.beta.sessions.events.send(id, { events: [event] });
  const once = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    if (done.has(what)) return;
    done.add(what);
    await work();
  };

  async function decide({ part }: Member, session: SessionHandle): Promise<void> {
    const [call] = session.ledger().calls;
    if (call === undefined || Date.now() - call.emitted_at < THINKING_MS) return;
    const result = part === 'allowed' ? 'allow' : 'deny';
    await once(call.id, () =>
      send(session.id, { type: 'user.tool_confirmation', tool_use_id: call.id, result }),
    );
  }

  async function interrupt({ calls }: Member, session: SessionHandle): Promise<void> {
    if (!effects.counts().has(beginOf(calls[0]?.label ?? ''))) return;
    await once(`${session.id} interrupted`, () => send(session.id, { type: 'user.interrupt' }));
    if (session.ledger().calls[0]?.closed_by === null) return;
    await once(`${session.id} goes on`, async () => {
      await send(session.id, { type: 'user.message', content: [{ type: 'text', text: 'go on' }] });
      await wake(session.id);
    });
  }

  return {
    async act() {
      for (const [member, session] of crowd) {
        if (member.part === 'interrupted') await interrupt(member, session);
        else if (member.part !== 'plain') await decide(member, session);
      }
    },
  };
}
