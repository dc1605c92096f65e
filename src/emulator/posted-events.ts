/**
 * The shape of what clients may post (api.md §1.3, §1.6.8). Only the shape: whether the session takes it now
 * is decided in admission.ts.
 */
import { z } from 'zod';
import { ApiError } from './api-error.ts';

const text = z
  .string()
  .min(1, 'minimum string length is 1')
  .refine(value => value.isWellFormed(), 'no lone surrogates are allowed');
const textBlock = z.object({ type: z.literal('text'), text });
const source = z.looseObject({ type: z.string() });
const imageBlock = z.looseObject({ type: z.literal('image'), source });
const documentBlock = z.looseObject({ type: z.literal('document'), source });
const searchResultBlock = z.object({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(textBlock),
  citations: z.object({ enabled: z.boolean() }),
});

const resultContent = z.array(
  z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock, searchResultBlock], {
    error: 'content block must be one of text, image, document, search_result',
  }),
);
const messageContent = z
  .array(
    z.discriminatedUnion('type', [textBlock, imageBlock, documentBlock], {
      error: 'content block must be one of text, image, document',
    }),
  )
  .min(1, 'minimum length is 1');

const posted = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('user.message'), content: messageContent }),
    z.object({ type: z.literal('user.interrupt'), session_thread_id: z.string().nullish() }),
    z
      .object({
        type: z.literal('user.tool_confirmation'),
        tool_use_id: z.string(),
        result: z.enum(['allow', 'deny'], 'must be allow or deny'),
        deny_message: z.string().nullish(),
      })
      .refine(event => event.result === 'deny' || typeof event.deny_message !== 'string', {
        path: ['deny_message'],
        error: 'only allowed when result is deny',
      }),
    z.object({
      type: z.literal('user.tool_result'),
      tool_use_id: z.string(),
      is_error: z.boolean().nullish(),
      content: resultContent.optional(),
    }),
    z.object({
      type: z.literal('user.custom_tool_result'),
      custom_tool_use_id: z.string(),
      is_error: z.boolean().nullish(),
      content: resultContent.optional(),
    }),
    z.object({
      type: z.literal('user.define_outcome'),
      description: z.string().min(1, 'minimum string length is 1'),
      rubric: z.looseObject({ type: z.enum(['text', 'file']) }),
      max_iterations: z.int().min(1).max(20).nullish(),
    }),
    z.object({
      type: z.literal('system.message'),
      content: z.array(textBlock).min(1, 'minimum length is 1').max(1000, 'maximum length is 1000'),
    }),
  ],
  { error: 'not an event type that can be sent' },
);

/** An event as a client sends it, unknown fields left out. */
export type PostedEvent = z.infer<typeof posted>;

const body = z.object({ events: z.array(posted).min(1, 'minimum length is 1') });

/** The events of a request body; the first fault is a 400 in the API's form, `events.0.content.0.text: …`. */
export function readPostedEvents(json: unknown): PostedEvent[] {
  const parsed = body.safeParse(json);
  if (parsed.success) return parsed.data.events;
  throw new ApiError(400, describe(parsed.error));
}

/** The initial events of a new session: at most 50, and only those that start a turn. */
export function readInitialEvents(json: unknown): PostedEvent[] {
  if (json === undefined) return [];
  const schema = z.object({ initial_events: z.array(posted).max(50, 'maximum length is 50') });
  const parsed = schema.safeParse({ initial_events: json });
  if (!parsed.success) throw new ApiError(400, describe(parsed.error));
  parsed.data.initial_events.forEach((event, i) => {
    if (event.type !== 'user.message' && event.type !== 'user.define_outcome') {
      throw new ApiError(
        400,
        `initial_events.${i}.type: only user.message and user.define_outcome can start a session`,
      );
    }
  });
  return parsed.data.initial_events;
}

/** The id that an event of a client answers or confirms, if it does. */
export function answeredId(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null) return undefined;
  const { tool_use_id, custom_tool_use_id } = event as Record<string, unknown>;
  const id = tool_use_id ?? custom_tool_use_id;
  return typeof id === 'string' ? id : undefined;
}

/** The first issue, as `path: message`. */
export function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return 'invalid request';
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}
