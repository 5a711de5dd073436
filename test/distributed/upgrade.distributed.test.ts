/**
 * A site that changes to another version while people go on: every role's process is replaced by one
 * that was started before the old one is asked to end, and no request fails. The other version may keep
 * its state in another format and count otherwise; both then make their own, side by side.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { EventsAnswer } from '../../schemas/api/events.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import type { SubjectState } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { post } from '../faults/program-calls.ts';
import { integerBelow, pick, seededRandom } from '../faults/seeded-random.ts';
import { type ServerProcess, systemOf } from '../faults/server-process.ts';
import { scanAll } from '../faults/state-oracle.ts';
import { writeNextVersion } from './next-version.ts';
import { PARTITIONS, Site, untilCaughtUp, untilCopied, untilTakenIn } from './site.ts';

const SEED = 97;
const ITEMS = 400;
const PEOPLE = 40;
const BATCH = 4;
const PACE_MS = 30;
const ANSWER_MS_MAX = 20_000;
const ENDING_MS_MAX = 30_000;
const ENOUGH_MS_MAX = 60_000;
const ENOUGH_EVENTS = 40;
const MINUTE_MS = 60_000;
const TEST_MS = 240_000;
const KINDS = ['click', 'like', 'view', 'rating'];
const ROLES = ['ingest', 'stream', 'training', 'serving'] as const;
const NEXT_FORMAT = STATE_FORMAT + 1;
/** Longer than the gap that ends a session of the version to come, shorter than ours. */
const PAUSE_MINUTES = 15;

type Role = (typeof ROLES)[number];

let site: Site;
let traffic: Traffic | undefined;
beforeEach(async () => {
  site = await Site.start(inject('kafka').addresses.plain, PARTITIONS, {
    // The oracle's twin knows no caps.
    settings: [
      ['historyEvents', '1000'],
      ['neighboursPerItem', '10000'],
      ['trainingAt', ''],
    ],
  });
});
afterEach(async () => {
  await traffic?.end();
  traffic = undefined;
  await site.remove();
});

/** Rejects with what was waited for, where it takes longer. */
const within = async <Result>(
  what: string,
  msMax: number,
  wanted: Promise<Result>,
): Promise<Result> => {
  const over = new AbortController();
  const late = sleep(msMax, undefined, { signal: over.signal }).then(() => {
    throw new Error(`Expected ${what} within ${msMax} ms`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([wanted, late]);
  } finally {
    over.abort();
  }
};

const json = async <Answer>(url: string, options: RequestInit = {}): Promise<Answer> => {
  const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${answer.status}: ${text}`);
  return JSON.parse(text) as Answer;
};

/**
 * People who send events and read lists all the time, each with one request under way. Requests go to
 * whoever is named for the role, as a balancer sends them, and every one that fails is kept.
 */
class Traffic {
  readonly failed: string[] = [];
  readonly acknowledged: string[] = [];
  lists = 0;
  readonly #addresses = new Map<Role, string>();
  readonly #underWay = new Map<string, number>();
  readonly #random = seededRandom(SEED);
  readonly #asking: readonly Promise<void>[];
  #sent = 0;
  #isOver = false;

  constructor(processes: Readonly<Record<Role, ServerProcess>>) {
    for (const role of ROLES) this.#addresses.set(role, processes[role].url);
    this.#asking = [
      this.#askForEver('ingest', (url) => this.#send(url)),
      this.#askForEver('ingest', (url) => this.#send(url)),
      this.#askForEver('serving', (url) => this.#read(url)),
      this.#askForEver('training', (url) => json(`${url}/v1/models`)),
    ];
  }

  /** From now on to another; resolves once nobody waits for the former any more. */
  async turnTo(role: Role, { url }: ServerProcess): Promise<void> {
    const former = this.#addresses.get(role)!;
    this.#addresses.set(role, url);
    const left = (): number => this.#underWay.get(`${role} ${former}`) ?? 0;
    await expect.poll(left, { timeout: ENOUGH_MS_MAX, interval: 5 }).toBe(0);
  }

  /** So many more events are acknowledged, and some lists read. */
  async goesOn(): Promise<void> {
    const [events, lists] = [this.acknowledged.length, this.lists];
    const more = (): number => this.acknowledged.length - events;
    const patience = { timeout: ENOUGH_MS_MAX, interval: 20 };
    await expect.poll(more, patience).toBeGreaterThan(ENOUGH_EVENTS);
    await expect.poll(() => this.lists, patience).toBeGreaterThan(lists);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#asking);
  }

  async #askForEver(role: Role, ask: (url: string) => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      const url = this.#addresses.get(role)!;
      const place = `${role} ${url}`;
      this.#underWay.set(place, (this.#underWay.get(place) ?? 0) + 1);
      await ask(url).catch((error: unknown) => this.failed.push(`${role}: ${error}`));
      this.#underWay.set(place, this.#underWay.get(place)! - 1);
      await sleep(PACE_MS);
    }
  }

  async #send(url: string): Promise<void> {
    const events = Array.from({ length: BATCH }, () => this.#event());
    await json(`${url}/v1/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ events }),
    });
    this.acknowledged.push(...events.map(({ eventId }) => eventId));
  }

  async #read(url: string): Promise<void> {
    const person = `user-${integerBelow(this.#random, PEOPLE)}`;
    const { items } = await json<ListAnswer>(`${url}/v1/users/${person}/recommendations`);
    if (items.length < 5) throw new Error(`a list of ${items.length}`);
    this.lists += 1;
  }

  #event() {
    this.#sent += 1;
    const kind = pick(this.#random, KINDS);
    return {
      eventId: `event-${this.#sent}`,
      userId: `user-${integerBelow(this.#random, PEOPLE)}`,
      itemId: `item-${integerBelow(this.#random, ITEMS)}`,
      kind,
      ...(kind === 'rating' ? { value: 1 + integerBelow(this.#random, 5) } : {}),
    };
  }
}

const bringItems = async (program: ServerProcess): Promise<void> => {
  const items = Array.from({ length: ITEMS }, (_, at) => ({
    itemId: `item-${at}`,
    title: `Item ${at}`,
    categories: [at % 3 === 0 ? 'third' : 'other'],
  }));
  await post(program, '/v1/items', { items });
};

const end = async (role: string, program: ServerProcess): Promise<void> => {
  const how = await within(`${role} to end`, ENDING_MS_MAX, program.kill('SIGTERM'));
  expect(how, `${role}:\n${program.output()}`).toBe(0);
};

const expectEachOnce = async (ids: readonly string[]): Promise<void> => {
  const logged = (await site.interactions()).map(({ record }) => record.eventId);
  expect(logged.sort()).toEqual([...ids].sort());
  expect((await site.rows()).sort()).toEqual([...ids].sort());
};

describe(`a site that changes to another version, seed ${SEED}`, () => {
  it(
    'replaces each role’s process while people go on: no request fails, every event counts once',
    async () => {
      const ingest = await site.startProgram(['--roles', 'ingest']);
      const start = (role: Role) => site.startProgram(['--roles', role]);
      const [stream, training, serving] = await Promise.all([
        start('stream'),
        start('training'),
        start('serving'),
      ]);
      const processes = { ingest, stream, training, serving };
      await bringItems(ingest);
      await untilTakenIn(serving);
      traffic = new Traffic(processes);
      for (const role of ROLES) {
        await traffic.goesOn();
        const next = await start(role);
        await traffic.turnTo(role, next);
        await end(role, processes[role]);
        processes[role] = next;
      }
      await traffic.goesOn();
      await traffic.end();
      expect(traffic.failed).toEqual([]);
      await untilTakenIn(processes.serving);
      const { counters } = await untilCopied(processes.serving);
      expect(counters.interactions).toMatchObject({
        accepted: traffic.acknowledged.length,
        duplicate: 0,
      });
      for (const role of ROLES) await end(role, processes[role]);
      await expectEachOnce(traffic.acknowledged);
      expect(await site.problems()).toEqual([]);
    },
    TEST_MS,
  );

  it(
    '[fault 33] keeps two formats of the state side by side, goes over to the newer one, and back',
    async () => {
      const sources = site.directory('next-version');
      writeNextVersion(sources, [
        {
          file: 'schemas/state/state-format.ts',
          from: `STATE_FORMAT = ${STATE_FORMAT};`,
          to: `STATE_FORMAT = ${NEXT_FORMAT};`,
        },
        {
          file: 'stream/options.ts',
          from: 'sessionGapMs: (30 * MINUTE_MS)',
          to: 'sessionGapMs: (10 * MINUTE_MS)',
        },
      ]);
      const old = await site.startProgram();
      await bringItems(old);
      await visitTwice(old);
      await untilTakenIn(old);
      traffic = new Traffic({ ingest: old, stream: old, training: old, serving: old });
      await traffic.goesOn();

      const next = await site.startProgram([], {}, { sources });
      await untilCaughtUp(next);
      // The old one is not in its way, nor the other way round.
      await expectFresh(old);
      await expectFresh(next);
      for (const role of ROLES) await traffic.turnTo(role, next);
      await end('the old version', old);
      await traffic.goesOn();
      await expectFresh(next);

      const returned = await site.startProgram();
      await untilCaughtUp(returned);
      for (const role of ROLES) await traffic.turnTo(role, returned);
      await end('the newer version', next);
      await traffic.goesOn();
      await traffic.end();
      expect(traffic.failed).toEqual([]);
      const { counters } = await untilCopied(returned);
      const ids = [...traffic.acknowledged, ...ADAS, ...looks];
      expect(counters.interactions).toMatchObject({ accepted: ids.length, duplicate: 0 });
      const last = await site.startProgram([], {}, { sources });
      await untilTakenIn(last);
      await end('the newer version, come back', last);
      await end('the former version, come back', returned);
      await expectEachOnce(ids);
      for (const [format, sessions] of [
        [STATE_FORMAT, 1],
        [NEXT_FORMAT, 2],
      ] as const) {
        expect(await site.problems(format), `format ${format}`).toEqual([]);
        expect((await subjectsOf(format)).get('u:ada')?.sessions).toHaveLength(sessions);
      }
    },
    TEST_MS,
  );
});

const ADAS = ['ada-first', 'ada-second'];

/** One session to us, two to the version to come. */
const visitTwice = async (program: ServerProcess): Promise<void> => {
  const from = Date.now() - 2 * PAUSE_MINUTES * MINUTE_MS;
  for (const [at, eventId] of ADAS.entries()) {
    const occurredAt = new Date(from + at * PAUSE_MINUTES * MINUTE_MS).toISOString();
    const event = { eventId, userId: 'ada', itemId: `item-${at}`, kind: 'click', occurredAt };
    await post(program, '/v1/events', event);
  }
};

const looks: string[] = [];

/** What somebody does shows in the list that this process makes of its own format's state. */
const expectFresh = async (program: ServerProcess): Promise<void> => {
  const eventId = `look-${looks.length}`;
  const userId = `visitor-${looks.length}`;
  looks.push(eventId);
  const event = { eventId, userId, itemId: 'item-7', kind: 'like' };
  const answer = await post(program, '/v1/events', event);
  const { positions } = (await answer.json()) as EventsAnswer;
  const after = positions.map(({ partition, offset }) => `${partition}:${offset}`).join(',');
  const list = await json<ListAnswer>(
    `${program.url}/v1/users/${userId}/recommendations?after=${after}`,
  );
  expect(JSON.stringify(list.items)).toContain('item-7');
  expect((await systemOf(program)).health.status).toBe('ready');
};

const subjectsOf = async (format: number): Promise<ReadonlyMap<string, SubjectState>> => {
  const remains = await site.openRemains(format);
  try {
    return await scanAll(remains, TOPICS.interactions.name, 'subject:', decodeSubjectState);
  } finally {
    await remains.close();
  }
};
