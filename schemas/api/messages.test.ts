import { Ajv } from 'ajv';
import { fastify } from 'fastify';
import type { TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { offset, partitionIndex } from '../ids.ts';
import { ErrorBody } from './errors.ts';
import { EventInput, EventsAnswer, EventsRequest, KindsAnswer } from './events.ts';
import { ImpressionInput, ImpressionsAnswer, ImpressionsRequest } from './impressions.ts';
import {
  Item,
  ItemInput,
  ItemPatch,
  ItemReplacement,
  ItemSearchAnswer,
  ItemSearchQuery,
  ItemsAnswer,
  ItemsRequest,
} from './items.ts';
import {
  ListAnswer,
  ListParams,
  ListQuery,
  NextItemsRequest,
  RecommendationsQuery,
  SimilarQuery,
} from './lists.ts';
import { LIVE_MESSAGES, LIVE_REQUESTS, LiveDiff, parseChannel } from './live.ts';
import { formatAfter, ItemParams, parseAfter, SessionParams, UserParams } from './parameters.ts';
import { HealthReadyAnswer, SystemAnswer } from './system.ts';
import { HistoryAnswer, HistoryQuery, VectorAnswer, VectorQuery } from './users.ts';

const ajv = new Ajv({ strict: false, strictNumbers: true, allErrors: true });
const accepts = (schema: TSchema, value: unknown): boolean => ajv.compile(schema)(value) === true;

const QUERIES = {
  HistoryQuery,
  VectorQuery,
  ItemSearchQuery,
  ListQuery,
  RecommendationsQuery,
  SimilarQuery,
};
const PARAMS = { UserParams, SessionParams, ItemParams, ListParams };
const BODIES = {
  EventInput,
  ImpressionInput,
  ItemInput,
  ItemPatch,
  ItemReplacement,
  NextItemsRequest,
};
const REQUESTS = { ...QUERIES, ...PARAMS, ...BODIES, ...LIVE_REQUESTS };

interface Described {
  readonly description?: string;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly additionalProperties?: unknown;
  readonly type?: string | readonly string[];
}

/** Every schema within a schema, with its place. */
const walk = function* (schema: Described, place: string): Generator<[string, Described]> {
  yield [place, schema];
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    yield* walk(field, `${place}.${name}`);
  }
  if (schema.items) yield* walk(schema.items, `${place}[]`);
};

const everySchema = Object.entries({
  ...REQUESTS,
  ...LIVE_MESSAGES,
  ErrorBody,
  EventsAnswer,
  HistoryAnswer,
  VectorAnswer,
  ImpressionsAnswer,
  ItemSearchAnswer,
  ItemsAnswer,
  KindsAnswer,
  ListAnswer,
  SystemAnswer,
}).flatMap(([name, schema]) => [...walk(schema as Described, name)]);

describe('the schemas', () => {
  it('say of every field of a request what it is', () => {
    const silent = Object.entries(REQUESTS)
      .flatMap(([name, schema]) => [...walk(schema as Described, name)])
      .filter(([place, schema]) => /\.\w+$/.test(place) && schema.description === undefined)
      .map(([place]) => place);
    expect(silent).toEqual([]);
  });

  it('refuse fields that a request does not name, at every depth', () => {
    const lenient = Object.entries(REQUESTS)
      .flatMap(([name, schema]) => [...walk(schema as Described, name)])
      .filter(([, schema]) => schema.properties && schema.additionalProperties !== false)
      .map(([place]) => place);
    expect(lenient).toEqual([]);
  });

  it('accept their own examples', () => {
    const wrong = everySchema
      .flatMap(([place, schema]) =>
        (schema.examples ?? []).map((example) => ({ place, schema, example })),
      )
      .filter(({ schema, example }) => !accepts(schema as TSchema, example))
      .map(({ place, example }) => `${place}: ${JSON.stringify(example)}`);
    expect(wrong).toEqual([]);
    expect(accepts(EventsRequest, { userId: 'ada', itemId: 'heat-1995', kind: 'click' })).toBe(
      true,
    );
  });
});

describe('an id', () => {
  const fits = (id: string): boolean => accepts(UserParams, { id });

  it('may be anything of 1 to 128 characters', () => {
    const ids = ['__proto__', 'constructor', '../../etc', '🎬'.repeat(128), 'a b', '%', "'--", '؜'];
    expect(ids.filter((id) => !fits(id))).toEqual([]);
  });

  it('is refused with control characters, half characters, empty or too long', () => {
    const ids = [
      '',
      'a\u0000',
      '\n',
      '\u007f',
      '\u0085',
      '\ud83c',
      'x'.repeat(129),
      '🎬'.repeat(129),
    ];
    expect(ids.filter(fits)).toEqual([]);
  });
});

describe('a batch', () => {
  const event = { sessionId: 's-1', itemId: 'heat-1995', kind: 'watch', value: 0.5 };

  it('holds up to 500', () => {
    expect(accepts(EventsRequest, { events: Array(500).fill(event) })).toBe(true);
    expect(accepts(EventsRequest, { events: Array(501).fill(event) })).toBe(false);
    expect(accepts(EventsRequest, { events: [] })).toBe(false);
    expect(accepts(EventsRequest, { events: [event], userId: 'ada' })).toBe(false);
    expect(accepts(ItemsRequest, { items: [{ itemId: 'a', title: 'A' }] })).toBe(true);
    const impression = { userId: 'ada', listId: 'l', items: [{ itemId: 'a', rank: 1 }] };
    expect(accepts(ImpressionsRequest, { impressions: [impression] })).toBe(true);
    expect(accepts(ImpressionsRequest, impression)).toBe(true);
  });

  it('of NaN, texts for numbers or two subjects is refused', () => {
    expect(accepts(EventInput, { ...event, value: Number.NaN })).toBe(false);
    expect(accepts(EventInput, { ...event, value: '0.5' })).toBe(false);
    expect(accepts(EventInput, { ...event, userId: 'ada' })).toBe(false);
    expect(accepts(ItemInput, { itemId: 'a', title: 'A', price: -1 })).toBe(false);
    expect(accepts(ItemInput, { itemId: 'a', title: 'A', price: null })).toBe(true);
  });
});

describe('after', () => {
  it('is what the positions of an answer say', () => {
    const positions = [
      { partition: partitionIndex(0), offset: offset(17) },
      { partition: partitionIndex(3), offset: offset(4) },
    ];
    expect(formatAfter(positions)).toBe('0:17,3:4');
    expect([...parseAfter('0:17,3:4')]).toEqual([
      [0, 17],
      [3, 4],
    ]);
    expect([...parseAfter('0:17,0:9')]).toEqual([[0, 17]]);
  });

  it('is refused in any other form', () => {
    for (const after of ['', '0', '0:', ':1', '0:1,', '0:-1', 'interactions-0:1', '0:1;1:2']) {
      expect([after, accepts(ListQuery, { after })]).toEqual([after, false]);
    }
  });
});

describe('a channel', () => {
  it('is read by its kind, whatever the id holds', () => {
    expect(parseChannel('user:a:b')).toEqual({ kind: 'user', id: 'a:b' });
    expect(parseChannel('session:__proto__')).toEqual({ kind: 'session', id: '__proto__' });
    expect(parseChannel('item:heat-1995')).toEqual({ kind: 'item', id: 'heat-1995' });
    expect(parseChannel('list:top-rated')).toEqual({ kind: 'list', name: 'top-rated' });
    expect(parseChannel('activity')).toEqual({ kind: 'activity' });
    for (const none of [
      '',
      'user:',
      'list:best',
      'list:__proto__',
      'activity:',
      'users:a',
      'user',
    ]) {
      expect([none, parseChannel(none)]).toEqual([none, undefined]);
    }
  });
});

const position = { partition: 3, offset: 128_000 };
const asOf = { eventTime: null, ...position, itemTime: '2026-01-31T18:30:00.000Z', freshnessMs: 4 };
const entry = {
  itemId: 'heat-1995',
  rank: 1,
  score: 0.83,
  title: 'Heat',
  parts: { together: 0.5, trending: 0.33 },
  reasons: [
    {
      part: 'together',
      share: 0.6,
      text: 'People who liked Ronin also liked this',
      because: [{ eventId: 'e', itemId: 'ronin-1998', title: 'Ronin', kind: 'like', ageMs: 1200 }],
    },
  ],
};
const list = {
  listId: 'l-1',
  placement: null,
  items: [entry],
  rung: 'personalised',
  held: [{ part: 'together', why: 'pairs need 3 people, have 1' }],
  asOf,
  models: { als: null },
  configVersion: 1,
  tookMs: 1.8,
  nextCursor: null,
};
const ready = { status: 'not-ready', reasons: ['catching up'], progress: 0.5 };
const item = {
  itemId: 'heat-1995',
  title: 'Heat',
  categories: ['crime'],
  tags: [],
  people: ['Michael Mann'],
  attributes: { year: 1995, colour: true, director: 'Michael Mann' },
  publishedAt: null,
  availableFrom: null,
  expiresAt: '2026-01-31T18:30:00.000Z',
  available: true,
  price: 3.99,
  hidden: false,
  image: null,
  updatedAt: '2026-01-31T18:30:00.000Z',
  visible: true,
  counters: {
    interactions: 3,
    popularity: 0.7,
    trend: 1,
    ratingCount: 0,
    ratingMean: null,
    ratingHistogram: [0, 0],
  },
};

const ANSWERS: Readonly<Record<string, readonly [TSchema, unknown]>> = {
  error: [
    ErrorBody,
    { error: { code: 'bad_request', message: 'No.', details: { a: [1] }, requestId: 'r1' } },
  ],
  events: [
    EventsAnswer,
    {
      accepted: 1,
      duplicates: 0,
      refused: [{ index: 1, eventId: null, code: 'too_old', message: 'Old.' }],
      eventIds: ['e', null],
      positions: [position],
    },
  ],
  kinds: [
    KindsAnswer,
    {
      configVersion: 1,
      kinds: [
        {
          name: 'rating',
          description: 'Stars.',
          weight: 1,
          polarity: 'by-own-mean',
          value: { min: 0.5, max: 5, required: true, scalesWeight: false, meaning: 'stars' },
          halfLifeMs: 1,
          seenForMs: null,
        },
        {
          name: 'click',
          description: 'Opened.',
          weight: 0.3,
          polarity: 'positive',
          value: null,
          halfLifeMs: 1,
          seenForMs: 0,
        },
      ],
    },
  ],
  impressions: [
    ImpressionsAnswer,
    { accepted: 1, duplicates: 0, refused: [], positions: [position] },
  ],
  item: [Item, item],
  items: [
    ItemsAnswer,
    {
      accepted: 0,
      refused: [{ index: 0, itemId: null, code: 'bad_request', message: 'No.' }],
      positions: [],
    },
  ],
  search: [ItemSearchAnswer, { items: [item], nextCursor: 'c', tookMs: 0.4 }],
  list: [ListAnswer, list],
  history: [
    HistoryAnswer,
    {
      events: [
        {
          eventId: 'e',
          itemId: 'i',
          title: 'I',
          kind: 'click',
          value: null,
          occurredAt: '2026-01-31T18:30:00.000Z',
        },
      ],
      nextCursor: null,
    },
  ],
  vector: [VectorAnswer, { release: 'r', vector: [0.25, -1], asOf: list.asOf }],
  ready: [HealthReadyAnswer, ready],
  system: [
    SystemAnswer,
    {
      version: '0.1.0',
      startedAt: '2026-01-31T18:30:00.000Z',
      uptimeMs: 5,
      profile: 'embedded',
      roles: ['stream'],
      configVersion: 1,
      health: ready,
      notices: ['The warehouse is turned off by the settings.'],
      partitions: [
        {
          statePartition: 'interactions.3',
          partition: 3,
          covered: null,
          end: 0,
          lag: 0,
          clock: null,
        },
      ],
      sinks: [{ table: 'interactions', partition: 3, covered: null, lag: 0, problem: null }],
      servers: [{ server: 'state', problem: null }],
      freshnessMs: { samples: 0, p50: null, p90: null, p99: null },
      counters: { dedupe: { received: 2, accepted: 2 } },
      catalogue: { items: 1, visible: 1 },
      models: [{ kind: 'als', version: 'v', trainedAt: '2026-01-31T18:30:00.000Z', ageMs: 3 }],
      training: null,
      quality: { tested: 0, windowEvents: 0, sources: [], overlap: null, drift: null },
      alarms: [],
      disk: {
        owners: [{ owner: 'log', bytes: 7, liveBytes: 5, limitBytes: null }],
        freeBytes: null,
        daysUntilFull: null,
      },
      memory: { process: 1 },
    },
  ],
  diff: [
    LiveDiff,
    {
      type: 'diff',
      id: 'home',
      seq: 3,
      moved: [{ itemId: 'a', from: 1, to: 2 }],
      entered: [entry],
      left: ['b'],
      changed: [],
      cause: { eventId: 'e', itemId: 'a', title: 'A', kind: 'click' },
      asOf,
      rung: 'trend',
      models: { als: 'r' },
      eventToPushMs: 4.2,
    },
  ],
};

describe('an answer', () => {
  for (const [name, [schema, value]] of Object.entries(ANSWERS)) {
    it(`fits its schema: ${name}`, () => {
      expect(accepts(schema, value)).toBe(true);
    });

    it(`leaves a server that writes by its schema whole: ${name}`, async () => {
      const app = fastify();
      app.get('/', { schema: { response: { 200: schema } } }, () => value);
      const response = await app.inject({ url: '/' });
      await app.close();
      expect(response.json()).toEqual(value);
    });
  }
});
