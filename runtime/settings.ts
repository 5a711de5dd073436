/**
 * Every setting, once: what it means, its unit, default and limits. The name in a config file is
 * the key here; the environment variable is FRESHET_ and the name in capitals
 * (`dataDirectory` → FRESHET_DATA_DIRECTORY); the flag is the name with hyphens
 * (`--data-directory`), or the short flag that is given.
 */
import { LOG_LEVELS } from './logger.ts';

interface SettingBase<Value> {
  readonly help: string;
  readonly default: Value;
  /** A shorter flag than the one made from the name. */
  readonly flag?: string;
}

export interface NumberSetting extends SettingBase<number> {
  readonly type: 'integer' | 'number';
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  /** In the embedded profile, where nobody chose: as many as this setting says. */
  readonly embeddedAs?: 'streamWorkers';
}
export interface TextSetting extends SettingBase<string> {
  readonly type: 'text';
  /** What a valid text looks like, and how to say it. */
  readonly pattern?: { readonly expression: RegExp; readonly says: string };
}
export interface BooleanSetting extends SettingBase<boolean> {
  readonly type: 'boolean';
}
export interface ListSetting extends SettingBase<readonly string[]> {
  readonly type: 'list';
  /** The only members allowed, where they are known. */
  readonly members?: readonly string[];
}
export interface ChoiceSetting extends SettingBase<string> {
  readonly type: 'choice';
  readonly choices: readonly string[];
}
export type Setting = NumberSetting | TextSetting | BooleanSetting | ListSetting | ChoiceSetting;

const integer = (spec: Omit<NumberSetting, 'type'>): NumberSetting => ({
  type: 'integer',
  ...spec,
});
const number = (spec: Omit<NumberSetting, 'type'>): NumberSetting => ({ type: 'number', ...spec });
const text = (spec: Omit<TextSetting, 'type'>): TextSetting => ({ type: 'text', ...spec });
const boolean = (spec: Omit<BooleanSetting, 'type'>): BooleanSetting => ({
  type: 'boolean',
  ...spec,
});
const list = (spec: Omit<ListSetting, 'type'>): ListSetting => ({ type: 'list', ...spec });
const choice = (spec: Omit<ChoiceSetting, 'type'>): ChoiceSetting => ({ type: 'choice', ...spec });

export const ROLES = ['ingest', 'stream', 'serving', 'training'] as const;

const MIB = 1024 * 1024;

export const SETTINGS = {
  // Where
  dataDirectory: text({
    flag: 'data',
    help: 'Directory that holds the log, state, warehouse and models.',
    default: './data',
  }),
  namespace: text({
    help: 'Prefix of topics, keys, tables and directories, so that two sites can share servers.',
    default: 'freshet',
    pattern: { expression: /^[a-z][a-z0-9_]{0,31}$/, says: 'lower-case letters, digits and _' },
  }),
  profile: choice({
    help: 'Where log, state and warehouse are: in the data directory, or on Kafka, Redis and ClickHouse.',
    default: 'embedded',
    choices: ['embedded', 'distributed'],
  }),
  roles: list({
    help: 'Which parts run in this process.',
    default: [...ROLES],
    members: ROLES,
  }),

  // HTTP
  host: text({ help: 'Address to listen on.', default: '127.0.0.1' }),
  port: integer({
    unit: 'port',
    min: 0,
    max: 65_535,
    default: 8090,
    help: 'Port to listen on; 0 takes any free one. A busy default moves on to the next free one.',
  }),
  basePath: text({
    help: 'Path under which a proxy serves Freshet, for example /freshet.',
    default: '',
    pattern: { expression: /^(\/[\w.-]+)*$/, says: 'empty or a path such as /freshet' },
  }),
  trustedProxies: list({
    help: 'Proxies whose X-Forwarded-For is believed: addresses, networks such as 10.0.0.0/8, or loopback, linklocal, uniquelocal.',
    default: [],
  }),
  allowedOrigins: list({
    help: 'Origins of pages that may call the API and open sockets, beside Freshet’s own page.',
    default: [],
  }),
  requestsPerSecond: integer({
    unit: 'requests/s per address',
    min: 0,
    max: 1_000_000,
    default: 0,
    help: 'Requests that one address may make a second; 0 does not limit (loopback development).',
  }),
  ingestQueueBytes: integer({
    unit: 'bytes',
    min: MIB,
    max: 4096 * MIB,
    default: 64 * MIB,
    help: 'Events waiting for their append; beyond it requests are answered 503 with Retry-After.',
  }),
  dedupeIndexEvents: integer({
    unit: 'events',
    min: 1_000,
    max: 100_000_000,
    default: 1_000_000,
    help: 'Recent event ids that the edge remembers (32 bytes each).',
  }),

  // Log
  userPartitions: integer({
    unit: 'partitions',
    min: 1,
    max: 64,
    default: 4,
    embeddedAs: 'streamWorkers',
    help: 'Partitions of interactions and impressions. Fixed once data exists.',
  }),
  itemPartitions: integer({
    unit: 'partitions',
    min: 1,
    max: 64,
    default: 4,
    embeddedAs: 'streamWorkers',
    help: 'Partitions of the catalogue and of item-signals. Fixed once data exists.',
  }),
  logRetentionDays: number({
    unit: 'days',
    min: 1,
    max: 36_500,
    default: 400,
    help: 'How long events stay in the log. Catalogue and control never expire.',
  }),
  logBytesMax: integer({
    unit: 'bytes',
    min: 16 * MIB,
    max: 1024 * 1024 * MIB,
    default: 896 * MIB,
    help: 'Size of interactions, impressions, item-signals and dead letters together, at which the oldest records go.',
  }),

  // Servers, in the distributed profile
  kafkaBrokers: list({
    help: 'host:port of the Kafka brokers to ask first; the others are learned from them.',
    default: ['127.0.0.1:9092'],
  }),
  kafkaReplication: integer({
    unit: 'copies',
    min: 1,
    max: 15,
    default: 1,
    help: 'Copies of each record that topics are made with; of three, two must have it before it is acknowledged.',
  }),
  takeOverSeconds: integer({
    unit: 'seconds',
    min: 1,
    max: 300,
    default: 10,
    help: 'A process that fell silent for so long counts as gone, and others take over what it did; brokers allow no less than 6 unless told otherwise.',
  }),
  kafkaTls: boolean({ help: 'Speak TLS to the brokers.', default: false }),
  kafkaCaFile: text({
    help: 'PEM file of the authority that signed the brokers’ certificates; empty for the system’s.',
    default: '',
  }),
  kafkaMechanism: choice({
    help: 'How to log in at the brokers; none without a user.',
    default: 'scram-sha-512',
    choices: ['plain', 'scram-sha-256', 'scram-sha-512'],
  }),
  kafkaUser: text({ help: 'User at the brokers; empty for none.', default: '' }),
  kafkaPasswordFile: text({ help: 'File that holds that user’s password.', default: '' }),
  schemaRegistryUrl: text({
    help: 'Where a registry answers for the Avro schemas of others’ producers; empty for none.',
    default: '',
    pattern: {
      expression: /^(https?:\/\/\S+)?$/,
      says: 'an address such as http://127.0.0.1:8081',
    },
  }),
  schemaRegistryUser: text({ help: 'User at the schema registry; empty for none.', default: '' }),
  schemaRegistryPasswordFile: text({
    help: 'File that holds that user’s password.',
    default: '',
  }),
  schemaRegistryCaFile: text({
    help: 'PEM file of the authority that signed the registry’s certificate; empty for the system’s.',
    default: '',
  }),
  redisUrls: list({
    help: 'redis://host:port, or rediss:// for TLS; of a cluster, some of its nodes.',
    default: ['redis://127.0.0.1:6379'],
  }),
  redisCluster: boolean({ help: 'The Redis servers are a cluster.', default: false }),
  redisUser: text({ help: 'User at Redis; empty for the default one.', default: '' }),
  redisPasswordFile: text({ help: 'File that holds that user’s password.', default: '' }),
  redisCaFile: text({
    help: 'PEM file of the authority that signed Redis’ certificates; empty for the system’s.',
    default: '',
  }),
  clickhouseUrl: text({
    help: 'Where ClickHouse answers HTTP, or https:// for TLS.',
    default: 'http://127.0.0.1:8123',
    pattern: { expression: /^https?:\/\/\S+$/, says: 'an address such as http://127.0.0.1:8123' },
  }),
  clickhouseUser: text({
    help: 'User at ClickHouse; it may make its own database.',
    default: 'default',
  }),
  clickhousePasswordFile: text({
    help: 'File that holds that user’s password; empty for none.',
    default: '',
  }),
  clickhouseCaFile: text({
    help: 'PEM file of the authority that signed ClickHouse’s certificate; empty for the system’s.',
    default: '',
  }),

  // Stream
  historyEvents: integer({
    unit: 'events',
    min: 10,
    max: 1_000,
    default: 50,
    help: 'Newest interactions kept per person (about 40 bytes each).',
  }),
  neighboursPerItem: integer({
    unit: 'neighbours',
    min: 8,
    max: 10_000,
    default: 64,
    help: 'Neighbours per item before the list is pruned to three quarters (about 30 bytes each).',
  }),
  streamWorkers: integer({
    unit: 'threads',
    min: 1,
    max: 16,
    default: 1,
    help: 'Threads that share the partitions of the stream, at most one a partition; a second one pays where cores are idle.',
  }),

  // Warehouse
  warehouse: boolean({
    help: 'Keep events in the embedded ClickHouse; without it nothing is trained.',
    default: true,
  }),
  warehouseThreads: integer({
    unit: 'threads',
    min: 1,
    max: 64,
    default: 1,
    help: 'Threads that ClickHouse may use for a query.',
  }),
  warehouseBytesMax: integer({
    unit: 'bytes',
    min: 16 * MIB,
    max: 1024 * 1024 * MIB,
    default: 384 * MIB,
    help: 'Size of the warehouse, at which the events of longest ago go.',
  }),
  warehouseMemoryBytes: integer({
    unit: 'bytes',
    min: 256 * MIB,
    max: 1024 * 1024 * MIB,
    default: 1024 * MIB,
    help: 'Memory that ClickHouse may use.',
  }),

  // Training
  trainingAt: text({
    help: 'Time of day, by the machine’s clock, at which models are trained; empty for never.',
    default: '03:00',
    pattern: { expression: /^(([01]\d|2[0-3]):[0-5]\d)?$/, says: 'a time such as 03:00, or empty' },
  }),
  trainingEventsMin: integer({
    unit: 'events',
    min: 1,
    max: 1_000_000_000,
    default: 1_000,
    help: 'Events in the warehouse from which trainings start by themselves.',
  }),
  trainingEventsMax: integer({
    unit: 'events',
    min: 1_000,
    max: 1_000_000_000,
    default: 25_000_000,
    help: 'Events that a training reads at most, the newest (about 200 bytes of memory each).',
  }),
  trainingThreads: integer({
    unit: 'threads',
    min: 1,
    max: 64,
    default: 2,
    help: 'Threads of the training’s own process, which steps back behind everything else.',
  }),
  trainingMemoryBytes: integer({
    unit: 'bytes',
    min: 256 * MIB,
    max: 1024 * 1024 * MIB,
    default: 6 * 1024 * MIB,
    help: 'Memory at which a training is ended.',
  }),
  releasesKept: integer({
    unit: 'releases',
    min: 2,
    max: 1_000,
    default: 5,
    help: 'Newest releases of models that are kept; the one in use always is.',
  }),

  itemsFollowPeople: boolean({
    help: 'Whether items’ vectors follow what people do between two trainings.',
    default: false,
  }),
  peopleMax: integer({
    unit: 'people',
    min: 0,
    max: 10_000_000,
    default: 10_000,
    help: 'People who acted last that are kept for finding people alike (1,200 bytes each); 0 for none.',
  }),
  foldInPeople: integer({
    unit: 'people',
    min: 0,
    max: 10_000,
    default: 5_000,
    help: 'People who acted last whose vectors are made, in spare time, when another release is put to use; 0 for none.',
  }),
  candidatesPerSource: integer({
    unit: 'items',
    min: 30,
    max: 5_000,
    default: 500,
    help: 'Items that each source may propose for a list that filters or earlier pages thin out.',
  }),
  candidatesFirstPage: integer({
    unit: 'items',
    min: 30,
    max: 5_000,
    default: 120,
    help: 'The same where nothing does, at most as many; with 120 a list costs a seventh more than with 60.',
  }),
  qualityPerSecond: integer({
    unit: 'events/s',
    min: 0,
    max: 1_000,
    default: 5,
    help: 'Events that are tried against the lists of just before (about 2 ms each); 0 for none.',
  }),

  // Demo
  audiencePerSecond: number({
    unit: 'events/s',
    min: 0,
    max: 10_000,
    default: 5,
    help: 'Pace of the simulated audience of the demo; 0 turns it off.',
  }),
  audienceRestMinutes: number({
    unit: 'minutes',
    min: 0,
    max: 100_000,
    default: 10,
    help: 'After this long without an open page the audience rests.',
  }),

  // Operations
  logLevel: choice({
    help: 'The least severe messages that are logged.',
    default: 'warn',
    choices: LOG_LEVELS,
  }),
  shutdownSeconds: integer({
    unit: 'seconds',
    min: 1,
    max: 600,
    default: 10,
    help: 'How long a stop may take before it is forced.',
  }),
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

/** The values, each with the type that its setting says. */
export type Settings = {
  readonly [Name in SettingName]: (typeof SETTINGS)[Name] extends NumberSetting
    ? number
    : (typeof SETTINGS)[Name] extends BooleanSetting
      ? boolean
      : (typeof SETTINGS)[Name] extends ListSetting
        ? readonly string[]
        : string;
};

export const environmentNameOf = (name: SettingName): string =>
  `FRESHET_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

export const flagOf = (name: SettingName): string => {
  const setting: Setting = SETTINGS[name];
  return setting.flag ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
};
