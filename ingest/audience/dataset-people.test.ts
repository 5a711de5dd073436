import { describe, expect, it } from 'vitest';
import { encodeRecord } from '../../schemas/avro/record-codec.ts';
import { catalogueItem } from '../../schemas/catalogue-item.fixture.ts';
import { epochMs, eventId, itemId, partitionIndex, userId } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openTestLog } from '../../test/ingest/ingest-fixture.ts';
import { datasetWorld } from './dataset-people.ts';
import { eventsBetween } from './history.ts';
import { type Rater, ratersIn } from './raters.ts';

const ENDS_AT = epochMs(Date.UTC(2026, 0, 15, 18));
const DAY_MS = 86_400_000;
const FILMS = 120;
const GENRES = ['horror', 'romance', 'western'];

const film = (number: number): CatalogueItemRecord =>
  catalogueItem(`film-${number}`, {
    title: `Film ${number}`,
    categories: [GENRES[number % 3]!],
    updatedAt: ENDS_AT,
  });
const catalogue = Array.from({ length: FILMS }, (_, number) => film(number));

/** Rated every film up to a number of two genres: one they like, one they do not. */
const fan = (id: string, genre: number, films: number): Rater => ({
  userId: userId(id),
  ratings: Array.from({ length: films }, (_, number) => ({
    itemId: `film-${number}`,
    stars: number % 3 === genre ? 4.5 : 2,
  })).filter((_, number) => number % 3 === genre || number % 9 === (genre + 1) % 3),
});
const raters = [fan('hannah', 0, 90), fan('rosa', 1, 60), fan('wim', 2, 30)];
const world = datasetWorld({ catalogue, raters, seed: 5, endsAt: ENDS_AT });
const events = eventsBetween(world, {
  from: ENDS_AT,
  to: epochMs(ENDS_AT + 40 * DAY_MS),
  mark: 'gap',
});
const ratingsOf = (id: string) =>
  events.filter((event) => event.userId === id && event.kind === 'rating');

describe('the audience of a data set', () => {
  it('is its people, each about as active as before', () => {
    expect(new Set(events.map((event) => event.userId as string))).toEqual(
      new Set(raters.map((rater) => rater.userId as string)),
    );
    const { people } = world;
    const activities = raters.map((_, index) => people.at(index).activity);
    expect(activities.reduce((sum, activity) => sum + activity, 0)).toBeCloseTo(3);
    expect(activities[0]! / activities[2]!).toBeCloseTo(
      raters[0]!.ratings.length / raters[2]!.ratings.length,
    );
  });

  it('goes on with what it liked, and rates that higher', () => {
    for (const [genre, { userId: id }] of raters.entries()) {
      const ofGenre = (itemId: string) => Number(itemId.slice('film-'.length)) % 3 === genre;
      const own = ratingsOf(id).slice(0, 12);
      const loved = own.filter((event) => ofGenre(event.itemId));
      expect(loved.length).toBeGreaterThan(own.length / 2);
    }
  });

  it('meets no film again that it rated in the data set', () => {
    for (const { userId: id, ratings } of raters) {
      const known = new Set(ratings.map((rating) => rating.itemId));
      expect(ratingsOf(id).filter((event) => known.has(event.itemId))).toEqual([]);
    }
  });

  it('is read from what was imported, not from what it did itself', async () => {
    const log = openTestLog();
    const rating = (importId: string | null, stars: number) => ({
      key: null,
      timestamp: ENDS_AT,
      value: encodeRecord('Interaction', {
        source: 'import',
        eventId: eventId(`e-${importId?.slice(0, 4)}-${stars}`),
        userId: userId('hannah'),
        sessionId: null,
        itemId: itemId('film-0'),
        kind: 'rating',
        value: stars,
        occurredAt: ENDS_AT,
        receivedAt: ENDS_AT,
        backfill: importId,
        sequence: importId === null ? null : 0,
        context: null,
      }),
    });
    await log.append(TOPICS.interactions.name, partitionIndex(1), [
      rating('a'.repeat(64), 4.5),
      rating('gap-5-1', 1),
      rating(null, 2),
      { key: null, timestamp: ENDS_AT, value: Uint8Array.of(9) },
    ]);
    expect(await ratersIn(log)).toEqual([
      { userId: 'hannah', ratings: [{ itemId: 'film-0', stars: 4.5 }] },
    ]);
  });
});
