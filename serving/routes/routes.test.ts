import { Ajv } from 'ajv';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErrorBody } from '../../schemas/api/errors.ts';
import { ExplanationAnswer, TitleCandidatesAnswer } from '../../schemas/api/explanations.ts';
import { Item, ItemSearchAnswer } from '../../schemas/api/items.ts';
import { ListAnswer } from '../../schemas/api/lists.ts';
import { HistoryAnswer } from '../../schemas/api/users.ts';
import { itemHashLow } from '../../schemas/hash.ts';
import { epochMs, partitionIndex, statePartition } from '../../schemas/ids.ts';
import {
  FIXTURE_NOW,
  item,
  openTestServing,
  settled,
  type TestServing,
  World,
} from '../../test/serving/serving-fixture.ts';

const DAY = 86_400_000;
const FILMS = [
  item('heat-1995', {
    title: 'Heat',
    categories: ['Crime', 'Drama'],
    people: ['Michael Mann', 'Al Pacino'],
    attributes: { year: 1995 },
    publishedAt: epochMs(Date.UTC(1995, 11, 15)),
  }),
  item('heat-1986', { title: 'Heat', categories: ['Action'], attributes: { year: 1986 } }),
  item('ronin', { title: 'Ronin', categories: ['Crime', 'Action'], attributes: { year: 1998 } }),
  item('amelie', {
    title: 'Amélie',
    categories: ['Comedy', 'Romance'],
    people: ['Jean-Pierre Jeunet'],
    attributes: { year: 2001 },
    publishedAt: epochMs(Date.UTC(2001, 3, 25)),
  }),
  item('__proto__', { title: 'Proto', categories: ['Drama'] }),
  item('../x', { title: 'Dots', categories: ['Drama'] }),
  item('🎬', { title: 'Clapper', categories: ['Drama'] }),
  ...Array.from({ length: 60 }, (_, index) =>
    item(`film-${index}`, {
      title: `Film ${index}`,
      categories: [`Genre ${index % 5}`],
      attributes: { year: 1960 + index },
    }),
  ),
];

let under: TestServing;
let world: World;
beforeEach(async () => {
  world = new World();
  await world.putItems(...FILMS);
  await world.putItemStates({
    'heat-1995': {
      popularity: 40,
      fast: 3,
      slow: 30,
      ratings: [5, 4.5, 5, 4],
      pairs: [
        { to: 'ronin', forward: 8, backward: 2 },
        { to: 'amelie', forward: 1, people: 2 },
      ],
    },
    ronin: {
      popularity: 30,
      fast: 9,
      slow: 20,
      ratings: [4, 4],
      pairs: [{ to: 'heat-1995', forward: 2, backward: 8 }],
    },
    amelie: { popularity: 20, fast: 1, slow: 20, ratings: [5] },
    ...Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [
        `film-${index}`,
        { popularity: 60 - index, fast: (index % 7) / 2, slow: 20, ratings: [3, 3.5, 2] },
      ]),
    ),
  });
  under = await openTestServing(world);
});
afterEach(() => under.close());

const ajv = new Ajv({ strict: false });
/** The answer, held against its schema. */
const get = async (schema: object, url: string, status = 200): Promise<Record<string, never>> => {
  const answer = await under.get<Record<string, never>>(url);
  expect([answer.status, url]).toEqual([status, url]);
  const validate = ajv.compile(schema);
  expect(validate(answer.body) ? [] : validate.errors).toEqual([]);
  return answer.body;
};
const list = async (url: string): Promise<ListAnswer> =>
  (await get(ListAnswer, url)) as unknown as ListAnswer;
const refused = async (url: string, status = 400): Promise<string> =>
  ((await get(ErrorBody, url, status)) as unknown as ErrorBody).error.message;
const ids = (answer: ListAnswer): string[] => answer.items.map(({ itemId }) => itemId);
const RECOMMENDED = '/v1/users/ada/recommendations';

describe('lists of a person', () => {
  it('say what they were computed from', async () => {
    await world.act('u:ada', { item: 'heat-1995', kind: 'rating', value: 5 });
    const answer = await list(`${RECOMMENDED}?placement=home`);
    expect(answer).toMatchObject({
      placement: 'home',
      rung: 'personalised',
      configVersion: 1,
      asOf: { eventTime: new Date(FIXTURE_NOW).toISOString(), offset: 0, freshnessMs: 0 },
      nextCursor: expect.any(String),
    });
    expect(answer.listId).not.toBe((await list(`${RECOMMENDED}?limit=9`)).listId);
  });

  it('follow pairs that enough people stand behind, and name the event', async () => {
    await world.act('u:ada', { item: 'heat-1995', kind: 'rating', value: 5, id: 'the-event' });
    const [first] = (await list(RECOMMENDED)).items;
    expect(first).toMatchObject({
      itemId: 'ronin',
      parts: { together: expect.any(Number), next: expect.any(Number) },
    });
    const reason = first!.reasons.find(({ part }) => part === 'together')!;
    expect(reason.text).toBe('Because you rated Heat ★5');
    expect(reason.because).toEqual([
      { eventId: 'the-event', itemId: 'heat-1995', title: 'Heat', kind: 'rating', ageMs: 0 },
    ]);
  });

  it('leave out what was seen for as long as its kind says, and let it in when asked', async () => {
    await world.act('u:ada', { item: 'ronin', kind: 'like' }, { item: 'film-0', kind: 'view' });
    const seen = ids(await list(`${RECOMMENDED}?limit=100`));
    expect(seen).not.toContain('ronin');
    expect(seen).toContain('film-0');
    expect(ids(await list(`${RECOMMENDED}?limit=100&includeSeen=true`))).toContain('ronin');
  });

  it('leave out what was seen before the history begins, until the day it counts to', async () => {
    const today = Math.floor(FIXTURE_NOW / DAY);
    await world.putSubject('u:ada', {
      evictedSeen: [
        { itemHash: itemHashLow('film-1'), untilDay: 65_535 },
        { itemHash: itemHashLow('film-2'), untilDay: today },
        { itemHash: itemHashLow('film-3'), untilDay: today - 1 },
      ],
    });
    const shown = ids(await list(`${RECOMMENDED}?limit=100`));
    expect(shown).not.toContain('film-1');
    expect(shown).not.toContain('film-2');
    expect(shown).toContain('film-3');
  });

  it('what a person hides stays out, also when the seen are let in', async () => {
    await world.act('u:ada', { item: 'ronin', kind: 'hide' });
    expect(ids(await list(`${RECOMMENDED}?limit=100&includeSeen=true`))).not.toContain('ronin');
  });

  it('a dislike pushes down what is like it and is no reason for anything', async () => {
    await world.act('u:ada', { item: 'film-0', kind: 'like' });
    const scoreOf = (answer: ListAnswer, id: string) =>
      answer.items.find(({ itemId }) => itemId === id)?.score ?? 0;
    const before = await list(`${RECOMMENDED}?limit=100&diversity=0`);
    await world.act('u:ada', { item: 'heat-1995', kind: 'dislike', id: 'the-dislike' });
    const after = await list(`${RECOMMENDED}?limit=100&diversity=0`);
    expect(scoreOf(after, 'ronin')).toBeLessThan(scoreOf(before, 'ronin'));
    expect(JSON.stringify(after)).not.toContain('the-dislike');
  });

  it('a rating below the person’s own mean counts against the film', async () => {
    for (let index = 0; index < 6; index++) {
      await world.act('u:ada', { item: `film-${index}`, kind: 'rating', value: 5 });
    }
    await world.act('u:ada', { item: 'heat-1995', kind: 'rating', value: 3, id: 'the-three' });
    expect(JSON.stringify(await list(`${RECOMMENDED}?limit=100`))).not.toContain('the-three');
  });

  it('obey category, filter and exclude', async () => {
    expect(ids(await list(`${RECOMMENDED}?category=Crime`)).sort()).toEqual(['heat-1995', 'ronin']);
    const filtered = await list(
      `${RECOMMENDED}?limit=100&filter=${encodeURIComponent('year>=1990 and genre in (Crime, Comedy)')}`,
    );
    expect(ids(filtered).sort()).toEqual(['amelie', 'heat-1995', 'ronin']);
    const left = ids(await list(`${RECOMMENDED}?limit=100&exclude=ronin&exclude=amelie`));
    expect(left).not.toContain('ronin');
    expect(left).not.toContain('amelie');
    expect(ids(await list(`${RECOMMENDED}?category=No+such`))).toEqual([]);
  });

  it('leave reasons out when asked, and move items apart when asked', async () => {
    await world.act('u:ada', { item: 'film-0', kind: 'like' });
    const plain = await list(`${RECOMMENDED}?explain=false&diversity=0`);
    expect(
      plain.items.every(
        ({ reasons, scoreRank }) => reasons.length === 0 && scoreRank === undefined,
      ),
    ).toBe(true);
    const mixed = await list(`${RECOMMENDED}?diversity=0.9`);
    expect(mixed.items.some(({ scoreRank }) => scoreRank !== undefined)).toBe(true);
  });

  it('pages never repeat an item, whatever happens between them', async () => {
    const shown: string[] = [];
    let cursor: string | null = '';
    for (let page = 0; cursor !== null; page++) {
      const answer: ListAnswer = await list(
        `${RECOMMENDED}?limit=7${cursor && `&cursor=${cursor}`}`,
      );
      expect(answer.items.map(({ rank }) => rank)).toEqual(
        answer.items.map((_, index) => shown.length + index + 1),
      );
      shown.push(...ids(answer));
      cursor = answer.nextCursor;
      await world.act('u:ada', { item: `film-${page}`, kind: 'view' });
      await world.putItemStates({ [`film-${50 - page}`]: { popularity: 90 + page } });
    }
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown.length).toBe(FILMS.length);
  });

  it('what is hidden, withdrawn, expired or deleted is gone from the next answer', async () => {
    const all = `${RECOMMENDED}?limit=100`;
    expect(ids(await list(all))).toContain('ronin');
    const positions = await world.putItems(
      item('ronin', { hidden: true }),
      item('film-1', { available: false }),
      item('film-2', { expiresAt: epochMs(FIXTURE_NOW) }),
      item('film-3', { availableFrom: epochMs(FIXTURE_NOW + 1) }),
    );
    await under.serving.untilItemsShown([...positions, await world.removeItem('film-4')]);
    const left = ids(await list(all));
    for (const gone of ['ronin', 'film-1', 'film-2', 'film-3', 'film-4'])
      expect(left).not.toContain(gone);
    expect(under.serving.currentItem(FILMS[2]!.itemId)?.hidden).toBe(true);
  });

  it('are never empty while one item is visible', async () => {
    for (const { itemId } of FILMS.slice(1)) await world.removeItem(itemId);
    await settled();
    expect(ids(await list(RECOMMENDED))).toEqual(['heat-1995']);
    await world.act('u:ada', { item: 'heat-1995', kind: 'like' });
    expect(ids(await list(RECOMMENDED))).toEqual(['heat-1995']);
    await world.removeItem('heat-1995');
    await settled();
    expect(ids(await list(RECOMMENDED))).toEqual([]);
  });

  it('of sessions and of posted histories are made alike', async () => {
    await world.act('s:visit', { item: 'heat-1995', kind: 'like' });
    const session = await list('/v1/sessions/visit/recommendations');
    expect(session.rung).toBe('session');
    const response = await under.app.inject({
      method: 'POST',
      url: '/v1/recommendations',
      payload: {
        events: [
          { itemId: 'heat-1995', kind: 'like' },
          { itemId: 'unknown', kind: 'like' },
        ],
      },
    });
    const posted = response.json() as ListAnswer;
    expect(ids(posted)).toEqual(ids(session));
    expect(posted.items[0]!.reasons[0]!.because[0]!.eventId).toBe('posted-0');
  });

  it('ids that are ordinary names elsewhere are ordinary here', async () => {
    for (const id of ['__proto__', 'constructor', '../x', '🎬']) {
      await world.act(`u:${id}`, { item: '__proto__', kind: 'like' });
      const user = encodeURIComponent(id);
      expect(ids(await list(`/v1/users/${user}/recommendations?limit=100`))).not.toContain(
        '__proto__',
      );
    }
    for (const id of ['__proto__', '../x', '🎬']) {
      expect(await get(Item, `/v1/items/${encodeURIComponent(id)}`)).toMatchObject({ itemId: id });
    }
    await refused('/v1/items/constructor', 404);
  });
});

describe('answers of the last second', () => {
  it('are given again, byte for byte, until their person does something', async () => {
    const first = await list(RECOMMENDED);
    expect((await list(RECOMMENDED)).listId).toBe(first.listId);
    await world.act('u:ada', { item: 'film-9' });
    expect((await list(RECOMMENDED)).listId).not.toBe(first.listId);
  });

  it('are old after a second, and when the catalogue changes', async () => {
    const first = await list(RECOMMENDED);
    await world.clock.advance(1_001);
    const second = await list(RECOMMENDED);
    expect(second.listId).not.toBe(first.listId);
    await world.putItems(item('newest'));
    await settled();
    expect((await list(RECOMMENDED)).listId).not.toBe(second.listId);
  });
});

describe('what was written and not yet taken in', () => {
  it('is waited for with after', async () => {
    const { partition, offset } = await world.append('u:ada', { item: 'heat-1995' });
    const waiting = list(`${RECOMMENDED}?after=${partition}:${offset}`);
    await settled();
    world.liveBus.isDropping = true;
    await world.cover('u:ada', { item: 'heat-1995' });
    await world.clock.advance(1_000);
    expect(ids(await waiting)[0]).toBe('ronin');
  });

  it('is not waited for longer than 5 seconds, and the answer says so', async () => {
    const { partition, offset } = await world.append('u:ada', { item: 'heat-1995' });
    const waiting = refused(`${RECOMMENDED}?after=${partition}:${offset}`, 504);
    await settled();
    await world.clock.advance(5_000);
    expect(await waiting).toBe(
      `Expected positions ${partition}:0 to be taken in within 5000 ms; what was reached is ${partition}:-1.`,
    );
  });

  it('[B1] shows within a poll when every hint was dropped', async () => {
    await list(RECOMMENDED);
    world.liveBus.isDropping = true;
    await world.act('u:ada', { item: 'heat-1995' });
    await world.putItemStates({ 'film-59': { popularity: 500 } });
    await world.clock.advance(1_001);
    expect(ids(await list(RECOMMENDED))[0]).toBe('ronin');
    expect(ids(await list('/v1/lists/popular'))[0]).toBe('film-59');
  });

  it('of lists that go by items is waited for through the items’ side', async () => {
    const { partition, offset } = await world.act('u:ada', { item: 'film-7' });
    expect(ids(await list(`/v1/lists/popular?after=${partition}:${offset}`))).toHaveLength(10);
  });
});

describe('why an item is in the list or not', () => {
  const why = (item: string, query = '') =>
    get(ExplanationAnswer, `${RECOMMENDED}/${item}${query}`);

  it('says its rank, parts and reasons', async () => {
    await world.act('u:ada', { item: 'heat-1995', kind: 'like' });
    expect(await why('ronin')).toMatchObject({
      rank: 1,
      removedBy: null,
      title: 'Ronin',
      rung: 'personalised',
    });
  });

  it('says what keeps it out', async () => {
    await world.act('u:ada', { item: 'ronin', kind: 'like' });
    expect(await why('ronin')).toMatchObject({ rank: null, removedBy: { rule: 'seen' } });
    expect(await why('amelie', '?category=Crime')).toMatchObject({
      removedBy: { rule: 'category' },
    });
    expect(await why('amelie', '?filter=year%3C2000')).toMatchObject({
      removedBy: { rule: 'filter' },
    });
    await refused(`${RECOMMENDED}/nothing`, 404);
  });
});

describe('histories', () => {
  it('come newest first, page by page', async () => {
    for (let index = 0; index < 5; index++) {
      await world.act('u:ada', {
        item: `film-${index}`,
        kind: 'rating',
        value: 4.5,
        at: FIXTURE_NOW + index,
      });
    }
    const first = await get(HistoryAnswer, '/v1/users/ada/history?limit=3');
    expect((first.events as { itemId: string }[]).map(({ itemId }) => itemId)).toEqual([
      'film-4',
      'film-3',
      'film-2',
    ]);
    const second = await get(
      HistoryAnswer,
      `/v1/users/ada/history?limit=3&cursor=${first.nextCursor}`,
    );
    expect((second.events as { itemId: string }[]).map(({ itemId }) => itemId)).toEqual([
      'film-1',
      'film-0',
    ]);
    expect(second.nextCursor).toBeNull();
    expect(await get(HistoryAnswer, '/v1/users/nobody/history')).toEqual({
      events: [],
      nextCursor: null,
    });
  });
});

describe('items', () => {
  it('are shown with their live counters', async () => {
    expect(await get(Item, '/v1/items/heat-1995')).toMatchObject({
      title: 'Heat',
      publishedAt: '1995-12-15T00:00:00.000Z',
      visible: true,
      counters: {
        interactions: 40,
        popularity: 40,
        ratingCount: 4,
        ratingMean: 4.625,
        ratingHistogram: [0, 0, 0, 0, 0, 0, 0, 1, 1, 2],
      },
    });
    await refused('/v1/items/none', 404);
  });

  it('are found by beginnings of words, without accents, with one typo', async () => {
    const find = async (query: string) =>
      ((await get(ItemSearchAnswer, `/v1/items?${query}`)).items as { itemId: string }[]).map(
        ({ itemId }) => itemId,
      );
    expect(await find('search=amelie')).toEqual(['amelie']);
    expect(await find('search=jeun')).toEqual(['amelie']);
    expect(await find('search=ameile')).toEqual(['amelie']);
    expect(await find('search=michel+man')).toEqual(['heat-1995']);
    expect(await find('search=heat')).toEqual(['heat-1995', 'heat-1986']);
    expect(await find('search=heat&category=Action')).toEqual(['heat-1986']);
    expect(await find('search=zzzzzz')).toEqual([]);
    expect((await find('sort=top-rated'))[0]).toBe('heat-1995');
    expect((await find('sort=latest')).slice(0, 2)).toEqual(['amelie', 'heat-1995']);
  });

  it('can be paged through to the end by title', async () => {
    const titles: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await get(ItemSearchAnswer, `/v1/items?sort=title&limit=20${cursor}`);
      titles.push(...(page.items as { title: string }[]).map(({ title }) => title));
      if (page.nextCursor === null) break;
      cursor = `&cursor=${page.nextCursor}`;
    }
    expect(titles).toEqual(FILMS.map(({ title }) => title).sort());
  });

  it('have others like them, by what is asked for', async () => {
    expect(ids(await list('/v1/items/heat-1995/similar?by=together'))[0]).toBe('ronin');
    expect(ids(await list('/v1/items/film-0/similar?by=content&limit=5'))).not.toContain('film-0');
    const blend = await list('/v1/items/heat-1995/similar?by=embedding');
    expect(blend.held).toContainEqual({
      part: 'embedding',
      why: 'needs a trained model, have none',
    });
    expect(blend.items[0]!.reasons[0]!.text).toMatch(/Heat/);
    await refused('/v1/items/none/similar', 404);
  });

  it('by title: one is taken, several are named', async () => {
    expect(ids(await list('/v1/items/similar?title=Ronin'))[0]).toBe('heat-1995');
    expect(await get(TitleCandidatesAnswer, '/v1/items/similar?title=heat')).toMatchObject({
      candidates: [{ itemId: 'heat-1995' }, { itemId: 'heat-1986' }],
    });
    await refused('/v1/items/similar?title=nowhere', 404);
  });

  it('have what comes next, alone and for a basket', async () => {
    expect(ids(await list('/v1/items/heat-1995/next'))[0]).toBe('ronin');
    const response = await under.app.inject({
      method: 'POST',
      url: '/v1/items/next',
      payload: { itemIds: ['heat-1995', 'unknown', 'film-3'], limit: 3 },
    });
    const answer = response.json() as ListAnswer;
    expect(ids(answer)).toHaveLength(3);
    expect(ids(answer)[0]).toBe('ronin');
    expect(ids(answer)).not.toContain('heat-1995');
  });
});

describe('lists for everyone', () => {
  it('are ordered by their name', async () => {
    expect(ids(await list('/v1/lists/trending'))[0]).toBe('ronin');
    expect(ids(await list('/v1/lists/popular?limit=2'))).toEqual(['film-0', 'film-1']);
    expect(ids(await list('/v1/lists/latest?limit=2'))).toEqual(['amelie', 'heat-1995']);
    expect(ids(await list('/v1/lists/popular?category=Crime'))).toEqual(['heat-1995', 'ronin']);
  });

  it('top-rated: a film with one vote does not lead', async () => {
    const top = await list('/v1/lists/top-rated');
    expect(ids(top)[0]).toBe('heat-1995');
    expect(ids(top)).not.toContain('amelie');
    expect(top.items[0]!.reasons[0]!.text).toBe('Rated ★4.63 by 4');
  });

  it('page without repeating', async () => {
    const first = await list('/v1/lists/popular?limit=5');
    const second = await list(`/v1/lists/popular?limit=5&cursor=${first.nextCursor}`);
    expect(new Set([...ids(first), ...ids(second)]).size).toBe(10);
  });
});

describe('bad parameters', () => {
  const cases: readonly (readonly [string, string])[] = [
    [`${RECOMMENDED}?limit=0`, 'Expected limit to be an integer from 1 to 100, got 0.'],
    [`${RECOMMENDED}?limit=101`, 'Expected limit to be an integer from 1 to 100, got 101.'],
    [`${RECOMMENDED}?diversity=2`, 'Expected diversity to be a number from 0 to 1, got 2.'],
    [`${RECOMMENDED}?colour=red`, 'got colour.'],
    [`${RECOMMENDED}?after=yesterday`, 'Expected after to be positions such as 0:17,3:4'],
    [`${RECOMMENDED}?after=9:1`, 'Expected partitions in after to be below 4, got 9.'],
    [`${RECOMMENDED}?cursor=zzz`, 'Expected cursor to be the nextCursor of the same list'],
    [`${RECOMMENDED}?filter=year%3E`, 'Expected a value in filter at character 6, got the end.'],
    ['/v1/lists/worst', 'Expected name to be one of trending, popular, latest, top-rated'],
    ['/v1/items?sort=colour', 'Expected sort to be one of'],
    [`/v1/users/${'x'.repeat(129)}/recommendations`, 'Expected id to be'],
    ['/v1/users/a%00b/recommendations', 'Expected id to be'],
  ];
  for (const [url, message] of cases) {
    it(`${url.slice(0, 60)} is refused with what was expected`, async () => {
      expect(await refused(url)).toContain(message);
    });
  }

  it('a cursor of another list is refused', async () => {
    const { nextCursor } = await list('/v1/lists/popular?limit=5');
    expect(await refused(`/v1/lists/trending?cursor=${nextCursor}`)).toContain('Expected cursor');
  });
});

describe('the state that serving follows', () => {
  it('tells about itself', async () => {
    await list(RECOMMENDED);
    await list(RECOMMENDED);
    expect(under.serving.status()).toMatchObject({
      isReady: true,
      problems: [],
      catalogue: { items: FILMS.length, visible: FILMS.length },
      cache: { hits: 1 },
      listsMade: 1,
    });
  });

  it('is read anew whole when it was made again after a loss', async () => {
    const partition = statePartition('item-signals', partitionIndex(0));
    await world.loseState(partition);
    await world.clock.advance(1_001);
    expect(under.serving.status().memory.itemsKnown).toBe(63);
    expect(under.serving.status().problems.join()).toContain(`the state of ${partition}`);
    await world.putItemStates(
      Object.fromEntries(
        Array.from({ length: 10 }, (_, index) => [`film-${index}`, { popularity: 1 }]),
      ),
    );
    await world.clock.advance(1_001);
    expect(under.serving.status().memory.itemsKnown).toBeLessThan(63);
    expect(under.serving.status().problems).toEqual([]);
  });
});
