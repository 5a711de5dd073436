/** Producers that write to Kafka themselves, beside the whole program on real servers. */
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import type { DeadLettersAnswer } from '../../schemas/api/dead-letters.ts';
import { systemOf } from '../faults/server-process.ts';
import { produceByConsole } from '../services/kafka-console.ts';
import { Site, untilTakenIn } from './site.ts';

const [bootstrap] = inject('kafka').addresses.plain;
const EVENTS = 300;
const POISON = 10;

let site: Site;
beforeEach(async () => {
  site = await Site.start([bootstrap!]);
});
afterEach(() => site.remove());

const eventLines = (prefix: string): readonly string[] =>
  Array.from({ length: EVENTS }, (_, at) => {
    const userId = `user-${at % 20}`;
    const event = { eventId: `${prefix}-${at}`, userId, itemId: `item-${at % 7}`, kind: 'click' };
    return `${userId}\t${JSON.stringify(event)}`;
  });
const poisonLines = Array.from({ length: POISON }, (_, at) => `user-${at}\tno event at all`);

const idsIn = async (): Promise<number> =>
  new Set((await site.interactions()).map(({ record }) => record.eventId)).size;

describe('events that a Java producer writes to the log', () => {
  it('count once each, though the process that moved them is killed; others are set aside', async () => {
    const [first, second] = [await site.startProgram(), await site.startProgram()];
    const topic = site.topic('events-in');
    await produceByConsole(bootstrap!, topic, { lines: eventLines('one'), compression: 'gzip' });
    await first.kill('SIGKILL');
    const lines = [...poisonLines, ...eventLines('two')];
    await produceByConsole(bootstrap!, topic, { lines, compression: 'lz4' });
    await expect.poll(idsIn, { timeout: 120_000, interval: 1_000 }).toBe(2 * EVENTS);
    const lettersOf = async (): Promise<DeadLettersAnswer['deadLetters']> => {
      const answer = await fetch(`${second.url}/v1/dead-letters?limit=100`);
      return ((await answer.json()) as DeadLettersAnswer).deadLetters;
    };
    await expect.poll(async () => (await lettersOf()).length, { timeout: 60_000 }).toBe(POISON);
    expect(new Set((await lettersOf()).map(({ reason }) => reason))).toEqual(new Set(['bad_json']));
    const { ingest } = (await systemOf(second)).counters;
    expect(ingest?.outsideRead).toBeGreaterThan(EVENTS);
    await untilTakenIn(second);
    expect(await second.kill('SIGTERM')).toBe(0);
    expect(await site.problems()).toEqual([]);
  }, 300_000);
});
