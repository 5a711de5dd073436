/**
 * The messages of the live socket. The client subscribes to channels; each first gets a snapshot with
 * a sequence number, then diffs whose numbers rise by one. A client that reads slowly gets fewer,
 * newer diffs, each against the last one that it was sent.
 */
import Type from 'typebox';
import { errorFields } from './errors.ts';
import {
  choiceField,
  eventIdField,
  integerField,
  itemIdField,
  type Message,
  nullable,
  request,
  textField,
  timeField,
} from './fields.ts';
import { AsOf, LIST_NAMES, ListAnswer, ListEntry, type ListName } from './lists.ts';
import { limitParameter } from './parameters.ts';
import { SystemAnswer } from './system.ts';

const CHANNEL_LENGTH_MAX = 140;

const channelField = Type.String({
  description:
    '`user:{id}`, `session:{id}`, `item:{id}` (similar items), `list:{name}`, `activity` or `system`.',
  minLength: 1,
  maxLength: CHANNEL_LENGTH_MAX,
  examples: ['user:ada', 'list:trending'],
});

const subscriptionId = textField({
  description: 'The client’s own name for the subscription; messages about it carry it.',
  minLength: 1,
  maxLength: 64,
  examples: ['home'],
});

const seqField = integerField({
  description: 'Number of the message in its subscription.',
  minimum: 0,
});

const LiveParams = request(
  {
    limit: Type.Optional(limitParameter),
    placement: Type.Optional(textField({ description: 'As in lists.', minLength: 1 })),
    category: Type.Optional(textField({ description: 'As in lists.', minLength: 1 })),
  },
  { description: 'What shapes the list, where the channel is one.' },
);
export type LiveParams = Message<typeof LiveParams>;

export const LiveSubscribe = request({
  op: choiceField(['subscribe'], { description: 'Begins a subscription.' }),
  id: subscriptionId,
  channel: channelField,
  params: Type.Optional(LiveParams),
});
export type LiveSubscribe = Message<typeof LiveSubscribe>;

export const LiveUnsubscribe = request({
  op: choiceField(['unsubscribe'], { description: 'Ends a subscription.' }),
  id: subscriptionId,
});
export type LiveUnsubscribe = Message<typeof LiveUnsubscribe>;

export const LiveResume = request({
  op: choiceField(['resume'], {
    description: 'Goes on after `seq`, without a gap or from a new snapshot.',
  }),
  id: subscriptionId,
  seq: seqField,
  channel: channelField,
  params: Type.Optional(LiveParams),
});
export type LiveResume = Message<typeof LiveResume>;

/** What a client may send, by `op`. */
export const LIVE_REQUESTS = {
  subscribe: LiveSubscribe,
  unsubscribe: LiveUnsubscribe,
  resume: LiveResume,
} as const;
export type LiveRequest = LiveSubscribe | LiveUnsubscribe | LiveResume;

const Cause = Type.Object(
  {
    eventId: eventIdField('The event.'),
    itemId: itemIdField(),
    title: Type.String(),
    kind: Type.String({ examples: ['rating'] }),
  },
  { description: 'The newest event that led to the change.' },
);

export const ActivityEvent = Type.Object({
  eventId: eventIdField('The event.'),
  subject: Type.String({ description: '`u:` and the user, or `s:` and the session.' }),
  itemId: itemIdField(),
  title: Type.String(),
  kind: Type.String(),
  value: nullable(Type.Number()),
  occurredAt: timeField('When it happened.'),
});
export type ActivityEvent = Message<typeof ActivityEvent>;

const told = { id: subscriptionId, seq: seqField };

export const LiveSnapshot = Type.Object({
  type: choiceField(['snapshot'], {
    description: 'The whole list; what was known before is void.',
  }),
  ...told,
  list: ListAnswer,
});
export type LiveSnapshot = Message<typeof LiveSnapshot>;

export const LiveDiff = Type.Object({
  type: choiceField(['diff'], { description: 'What changed since the message before.' }),
  ...told,
  moved: Type.Array(
    Type.Object({ itemId: itemIdField(), from: Type.Integer(), to: Type.Integer() }),
    { description: 'Items that stayed and changed their rank.' },
  ),
  entered: Type.Array(ListEntry, {
    description: 'Items that are new in the list, with their rank.',
  }),
  left: Type.Array(itemIdField(), { description: 'Items that are gone.' }),
  changed: Type.Array(ListEntry, {
    description: 'Items that stayed and changed their score, parts or reasons.',
  }),
  cause: nullable(Cause),
  asOf: AsOf,
  rung: ListAnswer.properties.rung,
  models: ListAnswer.properties.models,
  eventToPushMs: nullable(
    Type.Number({ description: 'From the arrival of the cause until this message was sent.' }),
  ),
});
export type LiveDiff = Message<typeof LiveDiff>;

export const LiveActivity = Type.Object({
  type: choiceField(['activity'], { description: 'Events, as they are taken in.' }),
  ...told,
  events: Type.Array(ActivityEvent, { description: 'Oldest first.' }),
  skipped: Type.Integer({ description: 'Events left out since the message before.' }),
});
export type LiveActivity = Message<typeof LiveActivity>;

export const LiveSystem = Type.Object({
  type: choiceField(['system'], { description: 'How the instance is doing.' }),
  ...told,
  system: SystemAnswer,
});
export type LiveSystem = Message<typeof LiveSystem>;

export const LiveResumed = Type.Object({
  type: choiceField(['resumed'], { description: 'The answer to `resume`.' }),
  ...told,
  from: choiceField(['seq', 'snapshot'], {
    description: 'Whether it goes on without a gap, or a new snapshot follows.',
  }),
});
export type LiveResumed = Message<typeof LiveResumed>;

export const LiveUnsubscribed = Type.Object({
  type: choiceField(['unsubscribed'], { description: 'Nothing more comes for it.' }),
  id: subscriptionId,
});
export type LiveUnsubscribed = Message<typeof LiveUnsubscribed>;

export const LiveError = Type.Object({
  type: choiceField(['error'], { description: 'A message of the client was refused.' }),
  id: nullable(Type.String({ description: 'The subscription, where it could be told.' })),
  error: Type.Object(errorFields),
});
export type LiveError = Message<typeof LiveError>;

export const LiveHeartbeat = Type.Object({
  type: choiceField(['heartbeat'], { description: 'Every 15 seconds.' }),
  at: timeField('The server’s clock.'),
});
export type LiveHeartbeat = Message<typeof LiveHeartbeat>;

/** What a server may send: switch on `type`. */
export type LiveMessage =
  | LiveSnapshot
  | LiveDiff
  | LiveActivity
  | LiveSystem
  | LiveResumed
  | LiveUnsubscribed
  | LiveError
  | LiveHeartbeat;

/** The same as schemas, by `type`. */
export const LIVE_MESSAGES = {
  snapshot: LiveSnapshot,
  diff: LiveDiff,
  activity: LiveActivity,
  system: LiveSystem,
  resumed: LiveResumed,
  unsubscribed: LiveUnsubscribed,
  error: LiveError,
  heartbeat: LiveHeartbeat,
} as const;

export type LiveChannel =
  | { readonly kind: 'user' | 'session' | 'item'; readonly id: string }
  | { readonly kind: 'list'; readonly name: ListName }
  | { readonly kind: 'activity' | 'system' };

/** undefined for a channel that there is none of. Ids may hold colons. */
export const parseChannel = (channel: string): LiveChannel | undefined => {
  if (channel === 'activity' || channel === 'system') return { kind: channel };
  const colon = channel.indexOf(':');
  const kind = channel.slice(0, colon);
  const rest = channel.slice(colon + 1);
  if (colon < 0 || rest === '') return undefined;
  if (kind === 'user' || kind === 'session' || kind === 'item') return { kind, id: rest };
  const name = LIST_NAMES.find((known) => known === rest);
  return kind === 'list' && name !== undefined ? { kind, name } : undefined;
};
