/**
 * State made anew where the log has let go of its beginning: from the warehouse's copy, to what the
 * whole log would have made.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { loadConfiguration } from '../../runtime/configuration.ts';
import { dataPathsOf, readFacts } from '../../runtime/data-directory.ts';
import { openUnsealedLog } from '../../runtime/embedded/stores.ts';
import type { EpochMs, Offset } from '../../schemas/ids.ts';
import { type LoggedInteraction, openRemains } from '../faults/oracle.ts';
import { postEvents, runCommand, untilCopied } from '../faults/program-calls.ts';
import { integerBelow, pick, seededRandom } from '../faults/seeded-random.ts';
import { type ServerProcess, startServer } from '../faults/server-process.ts';
import { compareStateWithLog } from '../faults/state-oracle.ts';
import { freePort } from '../services/free-port.ts';
import { fingerprintOfState } from './state-fingerprint.ts';

const SEED = 53;
const EVENTS = 600;
const FLAGS = ['--empty', '--user-partitions', '2', '--item-partitions', '2'];
const FAR = (Date.now() + 1e12) as EpochMs;
const TEST_MS = 60_000;
const KINDS = ['click', 'view', 'like', 'rating', 'dislike'];

let root: string;
let data: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-rebuild-'));
  data = join(root, 'data');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const rebuild = (
  flags: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
) => runCommand(['rebuild', ...flags, '--data', data], environment);

const start = async (...flags: readonly string[]): Promise<ServerProcess> =>
  startServer({ dataDirectory: data, port: await freePort(), flags: [...FLAGS, ...flags] });

const eventsOf = (random: () => number, prefix: string) =>
  Array.from({ length: EVENTS }, (_, at) => {
    const kind = pick(random, KINDS);
    const isUndo = at % 50 === 49;
    return {
      eventId: `${prefix}-${at}`,
      userId: `user-${integerBelow(random, 25)}`,
      itemId: `item-${integerBelow(random, 12)}`,
      kind: isUndo ? 'undo' : kind,
      ...(kind === 'rating' && !isUndo ? { value: 1 + integerBelow(random, 5) } : {}),
      ...(isUndo ? { context: { undoes: `${prefix}-${at - 3}` } } : {}),
    };
  });

/** Posts the events, a few of them twice, and waits until state and warehouse have taken them in. */
const send = async (server: ServerProcess, prefix: string): Promise<void> => {
  const events = eventsOf(seededRandom(SEED), prefix);
  for (let from = 0; from < EVENTS; from += 100) {
    await postEvents(server, events.slice(Math.max(0, from - 5), from + 100), 105);
  }
  await untilCopied(server);
};

/** Lets the log go of all events but the last few of each partition, and of what was derived from them. */
const expireLog = async (): Promise<void> => {
  const facts = readFacts(data)!;
  const kept = { interactions: 20, 'item-signals': 1 };
  const topics = Object.keys(kept);
  const log = await openUnsealedLog({
    directory: dataPathsOf(data).log,
    counts: facts,
    writableTopics: topics,
    clock: systemClock,
  });
  for (const [topic, records] of Object.entries(kept)) {
    const keepFrom: Offset[] = [];
    const { partitionCount } = await log.topic(topic);
    for (let index = 0; index < partitionCount; index += 1) {
      const { end } = await log.watermarks(topic, index as never);
      keepFrom.push(Math.max(0, end - records) as Offset);
    }
    expect(await log.clean(topic, { ageMs: 1, keepFrom }, FAR)).toBeGreaterThan(0);
  }
  await log.close();
};

const interactionsIn = async (): Promise<readonly LoggedInteraction[]> => {
  const remains = await openRemains(data);
  await remains.close();
  return remains.interactions;
};

const problemsWith = async (
  interactions: readonly LoggedInteraction[],
): Promise<readonly string[]> => {
  const remains = await openRemains(data);
  const { settings } = loadConfiguration({ environment: {}, flags: new Map() });
  const problems = await compareStateWithLog({ ...remains, interactions }, settings);
  await remains.close();
  return problems;
};

const filled = async (): Promise<readonly LoggedInteraction[]> => {
  const server = await start();
  await send(server, 'event');
  await server.kill('SIGTERM');
  const interactions = await interactionsIn();
  await expireLog();
  return interactions;
};

describe('a rebuild where the log has let go of its beginning', () => {
  it(
    '[I1] makes from the warehouse what the whole log would have made',
    async () => {
      const interactions = await filled();
      const { status, stdout } = rebuild();
      expect(stdout).toMatch(/had let go of 5\d\d events; 5\d\d of them came from the warehouse/);
      expect(status).toBe(0);
      expect(await problemsWith(interactions)).toEqual([]);
      const server = await start();
      await send(server, 'later');
      await server.kill('SIGTERM');
      const later = (await interactionsIn()).filter(({ record }) =>
        record.eventId.startsWith('later'),
      );
      expect(await problemsWith([...interactions, ...later])).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'goes through at a second try where it was killed between throwing away and making',
    async () => {
      const interactions = await filled();
      const killed = rebuild([], { FRESHET_CRASH_POINT: 'stream.rebuild.between-clears' });
      expect(killed.signal).toBe('SIGKILL');
      expect(rebuild().status).toBe(0);
      expect(await problemsWith(interactions)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'leaves the state as it is where neither log nor warehouse has some events, unless that is accepted',
    async () => {
      const server = await start('--no-warehouse');
      await send(server, 'event');
      await server.kill('SIGTERM');
      await expireLog();
      const before = await fingerprintOfState(data);
      const withoutWarehouse = rebuild(['--no-warehouse']);
      expect(withoutWarehouse.status).toBe(1);
      expect(withoutWarehouse.stderr).toContain('retention moved it to');
      const refused = rebuild();
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/neither has \d+ of its events.*--accept-loss/);
      expect(await fingerprintOfState(data)).toEqual(before);
      expect(rebuild(['--accept-loss'])).toMatchObject({ status: 0 });
      expect(await fingerprintOfState(data)).not.toEqual(before);
    },
    TEST_MS,
  );
});
