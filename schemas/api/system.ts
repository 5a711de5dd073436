/** How the instance is doing. */
import Type from 'typebox';
import {
  choiceField,
  integerField,
  type Message,
  mapOf,
  nullable,
  numberField,
  offsetField,
  partitionField,
  timeField,
} from './fields.ts';
import { TrainingAnswer } from './models.ts';

export const HealthLiveAnswer = Type.Object({
  status: choiceField(['live'], { description: 'The process answers.' }),
});
export type HealthLiveAnswer = Message<typeof HealthLiveAnswer>;

export const HealthReadyAnswer = Type.Object({
  status: choiceField(['ready', 'not-ready'], { description: 'Whether lists are up to date.' }),
  reasons: Type.Array(Type.String(), {
    description: 'Why not; empty when ready.',
    examples: [['catching up: 12000 of 40000 records behind']],
  }),
  progress: nullable(
    numberField({
      description: 'Share of the catching up that is done, where it can be told.',
      minimum: 0,
      maximum: 1,
    }),
  ),
});
export type HealthReadyAnswer = Message<typeof HealthReadyAnswer>;

const counters = (description: string) =>
  mapOf(mapOf(Type.Number(), { description: 'By name.' }), {
    description,
    examples: [
      { dedupe: { received: 1000, accepted: 998, duplicate: 2, refused: 0, deadLettered: 0 } },
    ],
  });

const PartitionStatus = Type.Object({
  statePartition: Type.String({ examples: ['interactions.3'] }),
  partition: partitionField('Partition of the input topic.'),
  covered: nullable(offsetField('The last record taken in; null before the first.')),
  end: offsetField('The offset that the next record will get.'),
  lag: integerField({ description: 'Records not yet taken in.', minimum: 0 }),
  clock: nullable(timeField('The partition’s clock.')),
});

const SinkStatus = Type.Object({
  table: Type.String({ examples: ['interactions'] }),
  partition: partitionField('Partition of the topic that is copied.'),
  covered: nullable(offsetField('The last record copied; null before the first.')),
  lag: integerField({ description: 'Records not yet copied.', minimum: 0 }),
  problem: nullable(Type.String({ description: 'What it is trying to get over.' })),
});

const ServerStatus = Type.Object({
  server: choiceField(['log', 'state', 'warehouse'], { description: 'What lies on it.' }),
  problem: nullable(Type.String({ description: 'Why it cannot be used right now.' })),
});

const Freshness = Type.Object(
  {
    samples: Type.Number(),
    p50: nullable(Type.Number()),
    p90: nullable(Type.Number()),
    p99: nullable(Type.Number()),
  },
  { description: 'Milliseconds from an event’s arrival until its effect could be read, of late.' },
);

export const LiveQualityAnswer = Type.Object(
  {
    tested: integerField({ description: 'Events that were tried, of all time.', minimum: 0 }),
    windowEvents: integerField({ description: 'The last so many of them count.', minimum: 0 }),
    sources: Type.Array(
      Type.Object({
        source: Type.String({ description: 'A part of the score, or `blend`.' }),
        hitRate: numberField({ description: 'Share of the items that its first ten held.' }),
        ndcg: numberField({ description: 'The same, the higher in the list the better.' }),
        mrr: numberField({ description: 'Mean of one over the rank.' }),
        coverage: numberField({ description: 'Share of the catalogue that its lists held.' }),
        verdict: choiceField(['better', 'worse', 'same'], {
          description: 'Against what is popular, beyond chance on this window.',
        }),
      }),
    ),
    overlap: nullable(
      numberField({ description: 'Share in common of lists by models and by counts.' }),
    ),
    drift: nullable(
      numberField({ description: 'Distance of today’s choices from the last seven days, 0 to 1.' }),
    ),
  },
  {
    description:
      'Where items stood in lists just before people chose them: of people with a history, a sample.',
  },
);
export type LiveQualityAnswer = Message<typeof LiveQualityAnswer>;

export const SystemAnswer = Type.Object({
  version: Type.String({ examples: ['0.1.0'] }),
  startedAt: timeField('When the process started.'),
  uptimeMs: Type.Number(),
  profile: choiceField(['embedded', 'distributed'], { description: 'Which adapters are in use.' }),
  roles: Type.Array(Type.String(), { examples: [['ingest', 'stream', 'serving']] }),
  configVersion: integerField({ description: 'Version of the table of kinds.', minimum: 0 }),
  health: HealthReadyAnswer,
  notices: Type.Array(Type.String(), {
    description: 'What is off or runs with less than usual, in sentences.',
  }),
  partitions: Type.Array(PartitionStatus),
  sinks: Type.Array(SinkStatus, { description: 'The copies into the warehouse.' }),
  servers: Type.Array(ServerStatus, {
    description:
      'Kafka, Redis and ClickHouse in the distributed profile; none in the embedded one.',
  }),
  freshnessMs: Freshness,
  counters: counters('Of every stage: received = accepted + duplicate + refused + dead-lettered.'),
  catalogue: Type.Object({ items: Type.Number(), visible: Type.Number() }),
  models: Type.Array(
    Type.Object({
      kind: Type.String({ examples: ['als'] }),
      version: Type.String(),
      trainedAt: timeField('When it was trained.'),
      ageMs: Type.Number(),
    }),
  ),
  training: nullable(TrainingAnswer),
  quality: LiveQualityAnswer,
  alarms: Type.Array(Type.String(), { description: 'What needs a person, in sentences.' }),
  disk: Type.Object({
    owners: Type.Array(
      Type.Object({
        owner: Type.String({ examples: ['log'] }),
        bytes: Type.Number({ description: 'On the disk, in files that may not shrink.' }),
        liveBytes: nullable(Type.Number({ description: 'Of that in use, where it is counted.' })),
        limitBytes: nullable(Type.Number({ description: 'At which the oldest go.' })),
      }),
    ),
    freeBytes: nullable(Type.Number()),
    daysUntilFull: nullable(Type.Number({ description: 'At the rate of the last day.' })),
  }),
  memory: mapOf(Type.Number(), {
    description: 'Bytes by owner.',
    examples: [{ process: 210_000_000 }],
  }),
});
export type SystemAnswer = Message<typeof SystemAnswer>;
