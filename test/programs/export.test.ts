/** Out of a running instance by `freshet export`, into an empty one by `freshet import`: the same lists. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decodeItemState } from '../../schemas/state/item-codec.ts';
import type { ItemState } from '../../schemas/state/item-state.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import type { SubjectState } from '../../schemas/state/subject-state.ts';
import { openRemains, type Remains } from '../faults/oracle.ts';
import { post, postEvents, runCommand, untilTakenIn } from '../faults/program-calls.ts';
import { integerBelow, pick, seededRandom } from '../faults/seeded-random.ts';
import { startServer } from '../faults/server-process.ts';
import { scanAll } from '../faults/state-oracle.ts';
import { freePort } from '../services/free-port.ts';

const SEED = 31;
const EVENTS = 400;
const FLAGS = ['--empty', '--no-warehouse'];

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-export-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const items = Array.from({ length: 12 }, (_, at) => ({
  itemId: at === 0 ? '__proto__' : `item ${at} 🎬`,
  title: `Item "${at}"`,
  categories: [at % 2 === 0 ? 'even' : 'odd'],
  attributes: { year: 1990 + at },
  price: at,
  hidden: at === 11,
}));

/** Batches of one person's events at the same moment, some of them taken back later. */
const eventsOf = (random: () => number) =>
  Array.from({ length: EVENTS }, (_, at) => {
    const userId = `user-${Math.floor(at / 4) % 17}`;
    const isUndo = at % 40 === 39;
    const kind = isUndo ? 'undo' : pick(random, ['click', 'like', 'rating', 'rating', 'dislike']);
    return {
      eventId: `event-${at}`,
      userId,
      itemId: integerBelow(random, 30) === 0 ? 'unheard-of' : pick(random, items).itemId,
      kind,
      ...(kind === 'rating' ? { value: 1 + integerBelow(random, 5) } : {}),
      ...(isUndo ? { context: { undoes: `event-${at - 2}` } } : {}),
    };
  });

const plainSubject = (state: SubjectState) => ({
  history: state.history.map(({ itemId, kind, value, occurredAt }) => ({
    itemId,
    kind,
    value,
    occurredAt,
  })),
  own: [state.ownValueSumThousandths, state.ownValueCount],
  sessions: state.sessions.map(({ firstAt, lastAt }) => [firstAt, lastAt]),
});

/** The two instances decay from different landmarks, so decayed counters are compared by their shares. */
const plainItem = (state: ItemState, mostPopular: bigint) => {
  const share = (counter: bigint): string => (Number(counter) / Number(mostPopular)).toPrecision(6);
  return {
    categories: state.categories,
    interactionCount: state.interactionCount,
    ratings: [state.ratingCount, state.ratingSumTenths, ...state.ratingHistogram],
    popularity: share(state.popularity),
    neighbours: state.neighbours.map(({ itemHash, forward, backward, people }) => [
      itemHash,
      share(forward),
      share(backward),
      people,
    ]),
  };
};

const stateIn = async (remains: Remains) => {
  const subjects = await scanAll(remains, 'interactions', 'subject:', decodeSubjectState);
  const found = await scanAll(remains, 'item-signals', 'item:', decodeItemState);
  const most = [...found.values()].reduce(
    (largest, { popularity }) => (popularity > largest ? popularity : largest),
    1n,
  );
  return {
    subjects: new Map([...subjects].map(([id, state]) => [id, plainSubject(state)])),
    items: new Map([...found].map(([id, state]) => [id, plainItem(state, most)])),
  };
};

const linesIn = (path: string): readonly string[] => {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trim().split('\n');
};

it(`an export of a running instance makes the same state in an empty one, seed ${SEED}`, async () => {
  const first = join(root, 'first');
  const second = join(root, 'second');
  const file = join(root, 'all.ndjson.gz');
  const server = await startServer({ dataDirectory: first, port: await freePort(), flags: FLAGS });
  await post(server, '/v1/items', { items });
  await postEvents(server, eventsOf(seededRandom(SEED)), 4);
  const orders = join(root, 'orders.csv');
  writeFileSync(orders, 'user,item,date\nold-1,__proto__,2024-05-01\nold-1,item 3 🎬,2024-05-01\n');
  expect(runCommand(['import', orders, '--data', first])).toMatchObject({ status: 0 });
  await untilTakenIn(server);
  expect(runCommand(['export', '--data', first, '--out', file]).stdout).toMatch(
    /Exporting: 12 items, 382 events/,
  );
  expect(await server.kill('SIGTERM')).toBe(0);

  expect(runCommand(['import', file, '--data', second])).toMatchObject({ status: 0 });
  const other = await startServer({ dataDirectory: second, port: await freePort(), flags: FLAGS });
  await untilTakenIn(other);
  expect(await other.kill('SIGTERM')).toBe(0);
  const [one, two] = [await openRemains(first), await openRemains(second)];
  const states = [await stateIn(one), await stateIn(two)];
  await Promise.all([one.close(), two.close()]);
  expect(states[0]!.subjects.size).toBe(18);
  expect(states[1]).toEqual(states[0]);

  const again = join(root, 'again.ndjson');
  expect(runCommand(['export', '--data', second, '--out', again])).toMatchObject({ status: 0 });
  expect(linesIn(again).slice(1).sort()).toEqual(linesIn(file).slice(1).sort());
  expect(runCommand(['import', file, '--data', second]).stdout).toMatch(/already imported/);
}, 120_000);

it('a file that breaks off, or is in the way, is refused in a sentence, and none is left half written', () => {
  const data = join(root, 'data');
  const file = join(root, 'all.ndjson');
  writeFileSync(join(root, 'one.csv'), 'user,item,date\na,b,2024-05-01\nc,d,2024-05-02\n');
  runCommand(['import', join(root, 'one.csv'), '--data', data]);
  expect(runCommand(['export', '--data', data, '--out', file])).toMatchObject({ status: 0 });
  expect(existsSync(`${file}.partial`)).toBe(false);
  expect(runCommand(['export', '--data', data, '--out', file])).toMatchObject({ status: 2 });
  expect(runCommand(['export', '--data', join(root, 'none')]).stderr).toMatch(
    /a data directory in/,
  );
  const lines = linesIn(file);
  expect(lines).toHaveLength(4);
  const cut = join(root, 'cut.ndjson.gz');
  writeFileSync(cut, gzipSync(`${lines.slice(0, 2).join('\n')}\n`));
  expect(runCommand(['import', cut, '--data', join(root, 'other')])).toMatchObject({
    status: 1,
    stderr: `Expected a whole export in ${cut}, got one that breaks off.\n`,
  });
  const newer = join(root, 'newer.ndjson');
  writeFileSync(newer, lines.join('\n').replace('"freshetExport":1', '"freshetExport":2'));
  expect(runCommand(['import', newer, '--data', join(root, 'other')]).stderr).toMatch(
    /an export of format 1 or older in .*, got one of format 2; use a newer Freshet/,
  );
}, 60_000);
