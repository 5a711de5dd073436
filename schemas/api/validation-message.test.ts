import { Ajv } from 'ajv';
import type { TSchema } from 'typebox';
import { describe, expect, it } from 'vitest';
import { EventInput, EventsEnvelope, EventsRequest } from './events.ts';
import { ImpressionInput } from './impressions.ts';
import { ItemInput, ItemPatch, ItemSearchQuery } from './items.ts';
import { ListParams, NextItemsRequest, RecommendationsQuery } from './lists.ts';
import { LiveSubscribe } from './live.ts';
import { UserParams } from './parameters.ts';
import { validationMessage } from './validation-message.ts';

const bodies = new Ajv({ strict: false, verbose: true });
const texts = new Ajv({ strict: false, verbose: true, coerceTypes: true, useDefaults: true });

const messageOf = (schema: TSchema, value: unknown, context = 'body'): string => {
  const validate = (context === 'body' ? bodies : texts).compile(schema);
  if (validate(value)) return 'valid';
  return validationMessage(validate.errors![0]!, context);
};

const event = { userId: 'ada', itemId: 'heat-1995', kind: 'click' };

describe('the message of a refused query', () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ['minimum', { limit: '0' }, 'Expected limit to be an integer from 1 to 100, got 0.'],
    ['maximum', { limit: '101' }, 'Expected limit to be an integer from 1 to 100, got 101.'],
    ['type', { limit: 'ten' }, 'Expected limit to be an integer from 1 to 100, got "ten".'],
    ['type', { includeSeen: 'maybe' }, 'Expected includeSeen to be true or false, got "maybe".'],
    [
      'additionalProperties',
      { offset: '3' },
      'Expected only the fields limit, cursor, placement, category, filter, exclude, after, includeSeen, explain, diversity, got offset.',
    ],
    ['pattern', { after: '0' }, 'Expected after to be positions such as 0:17,3:4, got "0".'],
    [
      'minLength',
      { category: '' },
      'Expected category to be a text of 1 to 256 characters without control characters, got "".',
    ],
    [
      'maxLength',
      { category: 'x'.repeat(257) },
      'Expected category to be a text of 1 to 256 characters without control characters, got 257 characters.',
    ],
    [
      'maxItems',
      { exclude: Array(101).fill('a') },
      'Expected exclude to be a text of 1 to 128 characters without control characters or an array of at most 100 elements, got 101 elements.',
    ],
  ];
  for (const [keyword, query, message] of cases) {
    it(`names the field, what it should be and what it was: ${keyword} ${JSON.stringify(query).slice(0, 30)}`, () => {
      expect(messageOf(RecommendationsQuery, query, 'querystring')).toBe(message);
    });
  }

  it('lists the choices', () => {
    expect(messageOf(ItemSearchQuery, { sort: 'best' }, 'querystring')).toBe(
      'Expected sort to be one of match, popular, trending, latest, top-rated, title, got "best".',
    );
    expect(messageOf(ListParams, { name: '__proto__' }, 'params')).toBe(
      'Expected name to be one of trending, popular, latest, top-rated, got "__proto__".',
    );
  });

  it('leaves out control characters of what was sent', () => {
    expect(messageOf(UserParams, { id: 'a\u0000b' }, 'params')).toBe(
      'Expected id to be a text of 1 to 128 characters without control characters, got "a\\u0000b".',
    );
    expect(messageOf(UserParams, { 'a\u001bb': '', id: 'a' }, 'params')).toBe(
      'Expected only the fields id, got a\ufffdb.',
    );
  });
});

describe('the message of a refused body', () => {
  it('says which field is missing', () => {
    expect(messageOf(EventInput, { userId: 'ada', kind: 'click' })).toBe(
      'Expected itemId to be a text of 1 to 128 characters without control characters, got none.',
    );
    expect(messageOf(EventInput, { itemId: 'a', kind: 'click' })).toBe(
      'Expected one of userId and sessionId, got neither.',
    );
    expect(messageOf(EventInput, { ...event, sessionId: 's' })).toBe(
      'Expected one of userId and sessionId, got both.',
    );
  });

  it('says where in a batch', () => {
    const message = 'Expected events[1].value to be a number, got "five".';
    expect(messageOf(EventsRequest, { events: [event, { ...event, value: 'five' }] })).toBe(
      message,
    );
    expect(messageOf(EventsRequest, { events: [event, { ...event, rating: 5 }] })).toBe(
      'Expected only the fields eventId, source, userId, sessionId, itemId, kind, value, occurredAt, context in events[1], got rating.',
    );
    expect(messageOf(EventsRequest, { ...event, context: { rank: 0 } })).toBe(
      'Expected context.rank to be an integer from 1 to 10000, got 0.',
    );
    expect(messageOf(EventsRequest, { ...event, context: [] })).toBe(
      'Expected context to be an object, got an array of 0 elements.',
    );
  });

  it('says what the whole should be', () => {
    expect(messageOf(EventsRequest, [])).toBe(
      'Expected the body to be an object, got an array of 0 elements.',
    );
    expect(messageOf(EventInput, null)).toBe('Expected the body to be an object, got null.');
    expect(messageOf(EventsEnvelope, { events: [] })).toBe(
      'Expected events to be an array of 1 to 500 elements, got 0 elements.',
    );
    expect(messageOf(ItemPatch, {})).toBe('Expected the body to have at least 1 field, got fewer.');
    expect(messageOf(NextItemsRequest, { itemIds: [] })).toBe(
      'Expected itemIds to be an array of 1 to 100 elements, got 0 elements.',
    );
  });

  it('says what a time looks like', () => {
    expect(messageOf(EventInput, { ...event, occurredAt: 'yesterday' })).toBe(
      'Expected occurredAt to be a time such as 2026-01-31T18:30:00Z, got "yesterday".',
    );
    expect(messageOf(ItemInput, { itemId: 'a', title: 'A', expiresAt: 7 })).toBe(
      'Expected expiresAt to be a time such as 2026-01-31T18:30:00Z or null, got 7.',
    );
  });

  it('covers maps and their names', () => {
    const item = { itemId: 'a', title: 'A' };
    expect(messageOf(ItemInput, { ...item, attributes: { '': 1 } })).toContain(
      'Expected attributes to be a text of 1 to 128 characters',
    );
    expect(messageOf(ItemInput, { ...item, attributes: { year: [1995] } })).toBe(
      'Expected attributes.year to be a text of at most 1024 characters without control characters or a number or true or false, got an array of 1 element.',
    );
    const models = Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`m${at}`, 'v']));
    const impression = { userId: 'a', listId: 'l', items: [{ itemId: 'a', rank: 1 }], models };
    expect(messageOf(ImpressionInput, impression)).toBe(
      'Expected models to have at most 32 fields, got more.',
    );
  });

  it('says which operation was meant', () => {
    expect(messageOf(LiveSubscribe, { op: 'sub', id: 'a', channel: 'activity' })).toBe(
      'Expected op to be subscribe, got "sub".',
    );
  });

  it('cuts long values short', () => {
    expect(messageOf(EventInput, { ...event, kind: 7, itemId: `\n${'x'.repeat(99)}` })).toBe(
      `Expected itemId to be a text of 1 to 128 characters without control characters, got "\\n${'x'.repeat(57)}….`,
    );
  });
});

describe('a validator that says little', () => {
  it('still gets a sentence', () => {
    const bare = {
      keyword: 'not',
      instancePath: '/a~1b/0',
      params: {},
      message: 'must NOT be valid',
    };
    expect(validationMessage(bare, 'body')).toBe(
      'Expected a/b[0] to be valid: it must NOT be valid, got something else.',
    );
    const missing = { keyword: 'required', instancePath: '', params: { missingProperty: 'kind' } };
    expect(validationMessage(missing, 'body')).toBe('Expected kind to be given, got none.');
    const type = { keyword: 'type', instancePath: '/limit', params: { type: 'integer' } };
    expect(validationMessage(type, 'querystring')).toBe(
      'Expected limit to be an integer, got something else.',
    );
    const range = { keyword: 'const', instancePath: '', params: { allowedValue: 3 }, data: 4 };
    expect(validationMessage(range, 'body')).toBe('Expected the body to be 3, got 4.');
  });
});
