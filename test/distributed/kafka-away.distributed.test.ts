/** The whole program while Kafka cannot be reached, and afterwards (fault 9). */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryPost } from '../faults/program-calls.ts';
import type { ServerProcess } from '../faults/server-process.ts';
import { type FaultProxy, startFaultProxy } from '../services/fault-proxy.ts';
import { type KafkaServers, startKafka } from '../services/kafka-server.ts';
import { Site, untilTakenIn } from './site.ts';

const AWAY_MS = 20_000;
const PAUSE_MS = 300;

let kafka: KafkaServers;
let proxy: FaultProxy;
let site: Site;
beforeAll(async () => {
  kafka = await startKafka();
  const [broker] = kafka.brokers;
  proxy = await startFaultProxy({
    port: broker!.proxyPort,
    targetPort: broker!.ports.proxied,
  });
  site = await Site.start([`127.0.0.1:${broker!.proxyPort}`]);
});
afterAll(async () => {
  await site.remove();
  await proxy.stop();
  await kafka.stop();
});

const items = Array.from({ length: 12 }, (_, at) => ({
  itemId: `item-${at}`,
  title: `Item ${at}`,
}));
const eventOf = (number: number) => ({
  eventId: `event-${number}`,
  userId: `user-${number % 5}`,
  itemId: `item-${number % items.length}`,
  kind: 'click',
});

interface Said {
  readonly status: number;
  readonly retryAfter: string | null;
}

const send = async (program: ServerProcess, number: number): Promise<Said> => {
  const { status, headers } = await tryPost(program, '/v1/events', eventOf(number));
  return { status, retryAfter: headers.get('retry-after') };
};

describe('the whole program while Kafka cannot be reached', () => {
  it('acknowledges nothing, says when to come again, serves lists, and goes on by itself', async () => {
    const program = await site.startProgram();
    expect((await tryPost(program, '/v1/items', { items })).ok).toBe(true);
    let number = 0;
    for (; number < 50; number += 1) expect((await send(program, number)).status).toBe(200);
    await untilTakenIn(program);

    await proxy.refuse();
    const said: Said[] = [];
    const lists: number[] = [];
    const since = process.hrtime.bigint();
    const awayMs = (): number => Number((process.hrtime.bigint() - since) / 1_000_000n);
    const unacknowledged: number[] = [];
    while (awayMs() < AWAY_MS) {
      unacknowledged.push(number);
      const answer = send(program, number);
      number += 1;
      lists.push((await fetch(`${program.url}/v1/users/user-1/recommendations`)).status);
      said.push(await answer);
      await sleep(PAUSE_MS);
    }
    expect(new Set(said.map(({ status }) => status))).toEqual(new Set([503]));
    expect(said.every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true);
    expect(new Set(lists)).toEqual(new Set([200]));

    await proxy.admit();
    for (const again of unacknowledged) {
      while ((await send(program, again)).status !== 200) await sleep(PAUSE_MS);
    }
    await untilTakenIn(program);
    expect(await program.kill('SIGTERM')).toBe(0);
    const ids = (await site.interactions()).map(({ record }) => record.eventId);
    expect(new Set(ids)).toEqual(new Set(Array.from({ length: number }, (_, at) => `event-${at}`)));
    expect(await site.problems()).toEqual([]);
  }, 300_000);
});
