import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeadLettersAnswer } from '../../schemas/api/dead-letters.ts';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { eventId, itemId, offset, partitionIndex, userId } from '../../schemas/ids.ts';
import type { DeadLetterRecord, InteractionRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import {
  FIXTURE_NOW,
  interactionsIn,
  openTestIngest,
  readTopic,
  type TestIngest,
} from '../../test/ingest/ingest-fixture.ts';

let under: TestIngest;
beforeEach(async () => {
  under = await openTestIngest();
});
afterEach(() => under.close());

const whistle: InteractionRecord = {
  source: 'http',
  eventId: eventId('e-1'),
  userId: userId('__proto__'),
  sessionId: null,
  itemId: itemId('heat-1995'),
  kind: 'whistle',
  value: null,
  occurredAt: FIXTURE_NOW,
  receivedAt: FIXTURE_NOW,
  backfill: null,
  sequence: null,
  context: null,
};

const letter = (changes: Partial<DeadLetterRecord> = {}): DeadLetterRecord => ({
  topic: TOPICS.interactions.name,
  partition: partitionIndex(2),
  offset: offset(7),
  reason: 'unknown_kind',
  message: 'Expected kind to be one of click, got whistle.',
  key: new TextEncoder().encode('u:__proto__'),
  value: encodeRecord('Interaction', whistle),
  at: FIXTURE_NOW,
  ...changes,
});

const setAside = async (...letters: readonly DeadLetterRecord[]): Promise<void> => {
  const records = letters.map((given) => ({
    key: null,
    value: encodeRecord('DeadLetter', given),
    timestamp: FIXTURE_NOW,
  }));
  await under.log.append(TOPICS.deadLetters.name, partitionIndex(0), records);
};

const list = async (query = ''): Promise<DeadLettersAnswer> => {
  const answer = await under.app.inject({ url: `/v1/dead-letters${query}` });
  expect(answer.statusCode).toBe(200);
  return answer.json();
};
const replay = (id: string) =>
  under.app.inject({ method: 'POST', url: `/v1/dead-letters/${id}/replay` });

describe('dead letters', () => {
  it('are none where nothing was set aside', async () => {
    expect(await list()).toEqual({ deadLetters: [], nextCursor: null });
  });

  it('say what was set aside, from where and why, as far as it can be read', async () => {
    await setAside(letter(), letter({ value: Uint8Array.of(9), reason: 'bad_record' }));
    const { deadLetters } = await list();
    expect(deadLetters.map(({ id, event }) => [id, event])).toEqual([
      ['0-1', null],
      ['0-0', expect.objectContaining({ userId: '__proto__', kind: 'whistle' })],
    ]);
    expect(deadLetters[1]).toMatchObject({ topic: 'interactions', partition: 2, offset: 7 });
  });

  it('come page by page, newest first, none twice and none left out', async () => {
    await setAside(...Array.from({ length: 5 }, () => letter()));
    const first = await list('?limit=2');
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    const third = await list(`?limit=2&cursor=${second.nextCursor}`);
    const ids = [first, second, third].flatMap((page) => page.deadLetters.map(({ id }) => id));
    expect(ids).toEqual(['0-4', '0-3', '0-2', '0-1', '0-0']);
    expect(third.nextCursor).toBeNull();
  });

  it('are tried again as the same bytes at the end of the partition they came from', async () => {
    await setAside(letter());
    const answer = await replay('0-0');
    expect(answer.json()).toEqual({ partition: 2, offset: 0 });
    expect(await interactionsIn(under.log)).toEqual([whistle]);
    const [record] = await readTopic(under.log, TOPICS.interactions.name);
    expect(new TextDecoder().decode(record!.key!)).toBe('u:__proto__');
  });

  it('are not tried again where that could bring back what is older, or only a part', async () => {
    const cut = letter({ value: new Uint8Array(65_536) });
    await setAside(letter({ topic: TOPICS.catalogue.name }), cut);
    for (const id of ['0-0', '0-1']) {
      const answer = await replay(id);
      expect([answer.statusCode, answer.json().error.code]).toEqual([409, 'not_replayable']);
    }
    expect(await readTopic(under.log, TOPICS.catalogue.name)).toEqual([]);
  });

  it('that never were are told apart from ids that cannot be', async () => {
    expect((await replay('0-99')).statusCode).toBe(404);
    expect((await replay('1-0')).statusCode).toBe(404);
    const odd = await replay('..%2F..%2Fx');
    expect(odd.statusCode).toBe(400);
    expect(odd.json().error.message).toContain('the id of a dead letter such as 0-12');
  });
});
