/** Where the servers of the distributed profile are and who one is there, out of the settings. */
import { readFileSync } from 'node:fs';
import { openSchemaRegistry, type SchemaRegistry } from '../../ingest/events-in/schema-registry.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { ClickHouseConnection } from '../../storage/clickhouse/clickhouse-connection.ts';
import type { KafkaAccess } from '../../storage/event-log/kafka/kafka-connection.ts';
import type { RedisServers } from '../../storage/redis/redis-link.ts';
import type { Settings } from '../settings.ts';

const DAY_MS = 86_400_000;
/** Of three copies of a record, two must be there before it is acknowledged. */
const REPLICATION_SAFE = 3;

/** Secrets stand in files, so that neither a process list nor an environment shows them. */
const contentOf = (path: string): string | undefined => {
  if (path === '') return undefined;
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new FreshetError(
      'bad_file',
      { expected: 'a file that can be read', path, got },
      { cause },
    );
  }
};

export const kafkaAccessOf = (
  settings: Settings,
): Pick<KafkaAccess, 'brokers' | 'tls' | 'sasl'> => {
  const ca = contentOf(settings.kafkaCaFile);
  const mechanism = settings.kafkaMechanism as NonNullable<KafkaAccess['sasl']>['mechanism'];
  return {
    brokers: settings.kafkaBrokers,
    ...(settings.kafkaTls ? { tls: ca === undefined ? {} : { ca } } : {}),
    ...(settings.kafkaUser === ''
      ? {}
      : {
          sasl: {
            mechanism,
            username: settings.kafkaUser,
            password: contentOf(settings.kafkaPasswordFile) ?? '',
          },
        }),
  };
};

/** Undefined where there is none. */
export const schemaRegistryOf = (
  settings: Settings,
  world: { readonly clock: Clock; readonly logger: Logger },
): SchemaRegistry | undefined => {
  if (settings.schemaRegistryUrl === '') return undefined;
  const caCertificate = contentOf(settings.schemaRegistryCaFile);
  const { schemaRegistryUser: username, schemaRegistryPasswordFile } = settings;
  return openSchemaRegistry({
    ...world,
    url: settings.schemaRegistryUrl,
    ...(username === '' ? {} : { username, password: contentOf(schemaRegistryPasswordFile) ?? '' }),
    ...(caCertificate === undefined ? {} : { caCertificate }),
  });
};

export const redisServersOf = (settings: Settings): RedisServers => {
  const password = contentOf(settings.redisPasswordFile);
  const caCertificate = contentOf(settings.redisCaFile);
  return {
    urls: settings.redisUrls,
    isCluster: settings.redisCluster,
    ...(settings.redisUser === '' ? {} : { username: settings.redisUser }),
    ...(password === undefined ? {} : { password }),
    ...(caCertificate === undefined ? {} : { caCertificate }),
  };
};

export const clickHouseConnectionOf = (settings: Settings): ClickHouseConnection => {
  const caCertificate = contentOf(settings.clickhouseCaFile);
  return {
    url: settings.clickhouseUrl,
    username: settings.clickhouseUser,
    password: contentOf(settings.clickhousePasswordFile) ?? '',
    ...(caCertificate === undefined ? {} : { caCertificate }),
  };
};

/** What the site's topics are made with and held against. */
export const topicRulesOf = ({ kafkaReplication, logRetentionDays }: Settings) => ({
  replicationFactor: kafkaReplication,
  minInsyncReplicas: kafkaReplication >= REPLICATION_SAFE ? 2 : 1,
  retentionMs: logRetentionDays * DAY_MS,
});
