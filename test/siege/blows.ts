/** How the blows of a siege are dealt out: who is hit is away for some events, then comes back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { partitionIndex, statePartition } from '../../schemas/ids.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { partitionKeys } from '../../storage/state-store/redis-layout.ts';
import type { Site } from '../distributed/site.ts';
import type { KafkaServers } from '../services/kafka-server.ts';
import type { RedisCluster } from '../services/redis-cluster.ts';
import type { RedisServer } from '../services/redis-server.ts';
import type { ProgramSeat } from './program-seat.ts';
import type { Blow } from './siege-plan.ts';

export interface Besieged {
  readonly seats: readonly ProgramSeat[];
  readonly kafka: KafkaServers;
  readonly site: Site;
  readonly cluster: RedisCluster | undefined;
}

/** Longer than others wait for one that is silent. */
const ASLEEP_MS = 12_000;
/** A process waits for a share of the work until one that was killed counts as gone. */
const POINT_MS_MAX = 60_000;
const FEED_EVERY_MS = 250;

export interface Pace {
  /** Resolves once the victim may come back. */
  whileAway(): Promise<void>;
  /** Lets some more events through, for a victim that dies of them. */
  more(): void;
}

/** Says what went otherwise than it should. */
export const deal = async (
  blow: Blow,
  besieged: Besieged,
  { whileAway, more }: Pace,
): Promise<string | undefined> => {
  switch (blow.what) {
    case 'program': {
      const victims = blow.seats.map((at) => besieged.seats[at]!);
      await Promise.all(victims.map((seat) => seat.kill()));
      await whileAway();
      const { whileStartingMs } = blow;
      if (whileStartingMs !== undefined) {
        await Promise.all(victims.map((seat) => seat.killWhileStarting(whileStartingMs)));
      }
      await Promise.all(victims.map((seat) => seat.start()));
      return undefined;
    }
    case 'stop': {
      const seat = besieged.seats[blow.seat]!;
      const how = await seat.kill('SIGTERM');
      await whileAway();
      await seat.start();
      return how === 0 ? undefined : `${seat.name} was asked to end and ended with ${how}`;
    }
    case 'point': {
      const seat = besieged.seats[blow.seat]!;
      await seat.kill();
      const feeding = setInterval(more, FEED_EVERY_MS);
      const how = await seat.dieAt(blow, POINT_MS_MAX).finally(() => clearInterval(feeding));
      await seat.start();
      return how === 'SIGKILL'
        ? undefined
        : `${blow.point} was not passed ${blow.pass} times by ${seat.name}: ${how}`;
    }
    case 'sleeper': {
      const seat = besieged.seats[blow.seat]!;
      seat.signal('SIGSTOP');
      await Promise.all([whileAway(), sleep(ASLEEP_MS)]);
      seat.signal('SIGCONT');
      return undefined;
    }
    case 'server':
      await dealToServer(blow, besieged, whileAway);
      return undefined;
    case 'empty-redis':
      await emptyRedis(besieged);
      return undefined;
    case 'slot': {
      const place = { namespace: besieged.site.namespace, stateFormat: STATE_FORMAT };
      const partition = statePartition(TOPICS.interactions.name, partitionIndex(blow.partition));
      await besieged.cluster?.moveSlotOf(partitionKeys(place, partition).meta);
      return undefined;
    }
  }
};

const dealToServer = async (
  { server, which, lostBytes }: Extract<Blow, { what: 'server' }>,
  besieged: Besieged,
  whileAway: () => Promise<void>,
): Promise<void> => {
  const { kafka, site } = besieged;
  switch (server) {
    case 'kafka': {
      const broker = kafka.brokers[which % kafka.brokers.length]!;
      await broker.kill('SIGKILL');
      // Where it is the only one, nothing comes in without it.
      if (kafka.brokers.length > 1) await whileAway();
      return broker.restart();
    }
    case 'redis': {
      const all = redisServersOf(besieged);
      const redis = all[which % all.length]!;
      await redis.kill();
      if (lostBytes > 0) await redis.loseTail(lostBytes);
      await whileAway();
      return redis.start();
    }
    case 'clickhouse':
      await site.clickhouse.kill();
      await whileAway();
      return site.clickhouse.start();
  }
};

const redisServersOf = ({ site, cluster }: Besieged): readonly RedisServer[] =>
  cluster?.servers ?? [site.redis];

const emptyRedis = async (besieged: Besieged): Promise<void> => {
  for (const { port } of redisServersOf(besieged)) {
    const client = new Redis({ host: '127.0.0.1', port });
    await client.flushall();
    client.disconnect();
  }
};
