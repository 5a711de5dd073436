import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../schemas/environment.ts';
import {
  type DurationMs,
  type EpochMs,
  epochMs,
  type ListId,
  type UserId,
} from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { ENDS_AT, smallAudience } from './audience.fixture.ts';
import type { AudienceApi, ServedList, ShownList } from './audience-api.ts';
import { audienceWorld } from './audience-world.ts';
import { type AudienceEvent, ratedBy } from './history.ts';
import { createLiveAudience, type LiveAudienceOptions } from './live-audience.ts';

const world = audienceWorld(smallAudience());

/** Time passes only by sleeping. */
class SteppedClock implements Clock {
  #elapsed = 0;
  readonly slept: number[] = [];

  now(): EpochMs {
    return epochMs(ENDS_AT + this.#elapsed);
  }
  monotonicMs(): number {
    return this.#elapsed;
  }
  async sleep(duration: DurationMs, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#elapsed += duration;
    this.slept.push(duration);
  }
}

const BEST_KNOWN = world.films.items
  .toSorted((a, b) => Number(b.attributes.renown) - Number(a.attributes.renown))
  .map(({ itemId }) => itemId);

/** A program that serves everyone the same films and remembers what it was told. */
class RememberingProgram implements AudienceApi {
  readonly events: AudienceEvent[] = [];
  readonly shown: ShownList[] = [];
  served = 0;
  failing = 0;

  async recommendations(user: UserId, limit: number): Promise<ServedList> {
    if (this.failing > 0) {
      this.failing--;
      throw new Error('away');
    }
    this.served++;
    const itemIds = BEST_KNOWN.slice(0, limit);
    return {
      listId: `list-${user}-${this.served}` as ListId,
      placement: 'home',
      itemIds,
      models: {},
    };
  }
  async postEvents(events: readonly AudienceEvent[]): Promise<number> {
    this.events.push(...events);
    return 0;
  }
  async postImpressions(lists: readonly ShownList[]): Promise<void> {
    this.shown.push(...lists);
  }
}

let clock: SteppedClock;
let program: RememberingProgram;

beforeEach(() => {
  clock = new SteppedClock();
  program = new RememberingProgram();
});

const runFor = async (
  seconds: number,
  options: Partial<LiveAudienceOptions> = {},
  meanwhile: (audience: ReturnType<typeof createLiveAudience>) => void = () => {},
) => {
  const stop = new AbortController();
  const audience = createLiveAudience(
    { world, api: program, clock, logger: silentLogger },
    options,
  );
  const sleep = clock.sleep.bind(clock);
  clock.sleep = async (duration, signal) => {
    meanwhile(audience);
    await sleep(duration, signal);
    if (clock.monotonicMs() >= 1_000 * seconds) stop.abort();
  };
  await audience.run(stop.signal);
  return audience;
};

describe('the live audience', () => {
  it('acts at the pace asked for', async () => {
    const audience = await runFor(60, { ratePerSecond: 20 });
    expect(program.events.length).toBeGreaterThan(1_100);
    expect(program.events.length).toBeLessThanOrEqual(1_200);
    expect(audience.status().eventsSent).toBe(program.events.length);
  });

  it('begins to act at once, while its crowd still gathers', async () => {
    const sessionsAtFirst: number[] = [];
    const audience = await runFor(30, { ratePerSecond: 20 }, (live) => {
      if (program.events.length > 0) sessionsAtFirst.push(live.status().sessions);
    });
    expect(sessionsAtFirst[0]).toBeLessThan(10);
    expect(sessionsAtFirst.length).toBeGreaterThan(290);
    expect(audience.status().sessions).toBeGreaterThan(100);
  });

  it('clicks on the lists it was served, more often near the top', async () => {
    await runFor(60, { ratePerSecond: 30 });
    const ranks = program.events.flatMap(({ context }) => context?.rank ?? []);
    expect(ranks.length).toBeGreaterThan(100);
    const top = ranks.filter((rank) => rank <= 5).length;
    const bottom = ranks.filter((rank) => rank > 15).length;
    expect(top).toBeGreaterThan(2 * bottom);
    const lists = new Map(program.shown.map((list) => [list.listId, list]));
    const strangers = program.events.filter(({ context, itemId }) => {
      const list = context?.listId ? lists.get(context.listId) : undefined;
      return list !== undefined && list.itemIds[context!.rank! - 1] !== itemId;
    });
    expect(strangers).toEqual([]);
  });

  it('gives every event an id of its own, apart from those of another run', async () => {
    await runFor(10, { ratePerSecond: 30 });
    const first = program.events.map(({ eventId }) => eventId as string);
    await clock.sleep(60_000 as DurationMs);
    await runFor(80, { ratePerSecond: 30 });
    const all = program.events.map(({ eventId }) => eventId as string);
    expect(all.length).toBeGreaterThan(first.length);
    expect(new Set(all).size).toBe(all.length);
  });

  it('has nobody rate again what the history says they rated', async () => {
    await runFor(60, { ratePerSecond: 30 });
    const rated = program.events.filter(({ kind }) => kind === 'rating');
    const people = new Map(
      Array.from({ length: 200 }, (_, index) => [world.people.at(index).userId, index]),
    );
    const again = rated.filter(({ userId, itemId }) => {
      const person = world.people.at(people.get(userId)!);
      return ratedBy(world, person, ENDS_AT).has(world.films.indexOf.get(itemId)!);
    });
    expect(rated.length).toBeGreaterThan(50);
    expect(again).toEqual([]);
  });

  it('rests while paused and does not make up for it', async () => {
    await runFor(40, { ratePerSecond: 20 }, (audience) => {
      if (clock.monotonicMs() === 10_000) audience.pause();
      if (clock.monotonicMs() === 30_000) audience.resume();
    });
    expect(program.events.length).toBeLessThanOrEqual(20 * 21 + 20);
    expect(program.events.length).toBeGreaterThan(20 * 18);
  });

  it('waits longer each time while nobody answers, then goes on', async () => {
    program.failing = 3;
    const audience = await runFor(30, { ratePerSecond: 1, secondsPerAct: 1 });
    expect(clock.slept.filter((ms) => ms >= 1_000)).toEqual([1_000, 2_000, 4_000]);
    expect(audience.status().failures).toBe(3);
    expect(program.events.length).toBeGreaterThan(10);
  });

  it('does the same again at the same time', async () => {
    await runFor(20, { ratePerSecond: 10 });
    const first = program.events;
    clock = new SteppedClock();
    program = new RememberingProgram();
    await runFor(20, { ratePerSecond: 10 });
    expect(program.events).toEqual(first);
  });
});
