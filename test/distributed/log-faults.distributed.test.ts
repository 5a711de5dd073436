/**
 * A log that is not the one that the state was made from, on a real broker (faults 12 and 13): the
 * partition stops and says why, and the program is not ready; the other partitions go on.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { subjectOfUser, userId } from '../../schemas/ids.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { partitionOf } from '../../storage/event-log/partitioner.ts';
import { tryPost } from '../faults/program-calls.ts';
import { systemOf } from '../faults/server-process.ts';
import { type KafkaServers, startKafka } from '../services/kafka-server.ts';
import { cutNewestBatches } from '../services/log-cut.ts';
import { ProgramSeat } from '../siege/program-seat.ts';
import { PARTITIONS, Site, untilTakenIn } from './site.ts';

const EVENTS = 40;
const CUT = 10;
const OTHERS = 20;
const PATIENCE = { timeout: 60_000, interval: 200 };
const TEST_MS = 240_000;
const TOPIC = TOPICS.interactions.name;

let kafka: KafkaServers;
let site: Site;
let seat: ProgramSeat;
beforeAll(async () => {
  kafka = await startKafka();
});
afterAll(() => kafka.stop());
beforeEach(async () => {
  site = await Site.start(kafka.addresses('plain'), PARTITIONS, { settings: [['trainingAt', '']] });
  seat = await ProgramSeat.at(site, 'program', []);
  await seat.start();
});
afterEach(async () => {
  await seat.kill();
  await site.remove();
});

const ADA = 'ada';
const partitionOfUser = (id: string): number =>
  partitionOf(subjectOfUser(userId(id)), site.partitions.userPartitions);
/** Somebody whose events are in another partition. */
const stranger = (): string =>
  ['ben', 'cem', 'dan', 'eve', 'fay', 'gus'].find(
    (id) => partitionOfUser(id) !== partitionOfUser(ADA),
  )!;

/** Each event by a request of its own, so a batch of its own. */
const send = async (name: string, count: number, person = ADA): Promise<void> => {
  for (let at = 0; at < count; at += 1) {
    const event = {
      eventId: `${name}-${at}`,
      userId: person,
      itemId: `item-${at % 7}`,
      kind: 'click',
    };
    expect((await tryPost(seat, '/v1/events', event)).status).toBe(200);
  }
};

const again = async (flags: readonly string[] = []): Promise<void> => {
  await seat.kill('SIGTERM');
  seat = await ProgramSeat.at(site, 'program', flags);
  await seat.start();
};

/** Ada's partition has stopped with this, it is seen from outside, and others' events still count. */
const expectHalted = async (text: RegExp): Promise<void> => {
  const reasons = async (): Promise<string> => (await systemOf(seat)).health.reasons.join();
  await expect.poll(reasons, PATIENCE).toMatch(text);
  expect((await fetch(`${seat.url}/health/ready`)).status).toBe(503);
  expect(await reasons()).toContain(`${TOPIC}.${partitionOfUser(ADA)} has stopped`);
  const person = stranger();
  await send(`beside-${performance.now()}`, 5, person);
  const shown = async (): Promise<number> => {
    const answer = await fetch(`${seat.url}/v1/users/${person}/history?limit=100`);
    return ((await answer.json()) as { events: unknown[] }).events.length;
  };
  await expect.poll(shown, PATIENCE).toBeGreaterThanOrEqual(5);
};

describe('a broker that lost the end of a partition', () => {
  it(
    '[fault 13] stops it as regressed, and as diverged where other records took that place',
    async () => {
      await send('first', EVENTS);
      await untilTakenIn(seat);
      await seat.kill('SIGTERM');
      const [broker] = kafka.brokers;
      await broker!.kill('SIGKILL');
      const directory = broker!.partitionDirectory(site.topic(TOPIC), partitionOfUser(ADA));
      expect(cutNewestBatches(directory, CUT)).toBe(EVENTS - CUT);
      await broker!.restart();
      await seat.start();
      await expectHalted(/it ends at \d+; the log lost records/);
      await send('others', OTHERS);
      await again();
      await expectHalted(/found another/);
    },
    TEST_MS,
  );
});

describe('a log whose retention overtook the stream', () => {
  it(
    '[fault 12] stops the partition, which says from where to where records are missing',
    async () => {
      await send('first', EVENTS);
      await untilTakenIn(seat);
      await again(['--roles', 'ingest,serving']);
      await send('missed', EVENTS);
      await seat.kill('SIGTERM');
      expect(await site.letGoOf(TOPIC)).toBeGreaterThan(EVENTS);
      await again();
      await expectHalted(/to reach back to offset \d+, it starts at \d+/);
    },
    TEST_MS,
  );
});
