/** From the settings that people change to the options of the parts. */
import type { IngestOptions } from '../ingest/options.ts';
import { DEFAULT_KINDS, kindTable } from '../schemas/kinds.ts';
import {
  DEFAULT_SERVING_OPTIONS,
  type LadderOptions,
  type ServingOptions,
} from '../serving/options.ts';
import { cachesFor, DEFAULT_STREAM_OPTIONS, type StreamOptions } from '../stream/options.ts';
import type { Settings } from './settings.ts';
import type { PartitionCounts } from './topic-plan.ts';

/** Pruning a full neighbour list leaves three quarters, so that newcomers have room to grow. */
const KEPT_SHARE = 0.75;

/** `counts` are those of the site's data, whatever the settings would make a new one with. */
export const streamOptionsOf = (settings: Settings, counts: PartitionCounts): StreamOptions => ({
  ...DEFAULT_STREAM_OPTIONS,
  runner: { ...DEFAULT_STREAM_OPTIONS.runner, ...cachesFor(counts) },
  history: { ...DEFAULT_STREAM_OPTIONS.history, historyMax: settings.historyEvents },
  dedupe: {
    ...DEFAULT_STREAM_OPTIONS.dedupe,
    idsMax: Math.ceil(settings.dedupeIndexEvents / counts.userPartitions),
  },
  item: {
    ...DEFAULT_STREAM_OPTIONS.item,
    neighboursMax: settings.neighboursPerItem,
    neighboursKept: Math.floor(settings.neighboursPerItem * KEPT_SHARE),
  },
});

const { ladder } = DEFAULT_SERVING_OPTIONS;
/** As lists do: a stored vector is what a list would solve. */
export const VECTOR_OPTIONS = {
  kinds: kindTable(DEFAULT_KINDS),
  ownMeanPrior: { mean: ladder.ownMeanPrior, strength: ladder.ownMeanPriorStrength },
  limits: { positives: ladder.eventsMax, negatives: ladder.negativesMax },
};

export const ingestOptionsOf = (settings: Settings): Partial<IngestOptions> => ({
  queueBytesMax: settings.ingestQueueBytes,
  recentEventsMax: settings.dedupeIndexEvents,
});

export const servingOptionsOf = (settings: Settings): ServingOptions => ({
  ...DEFAULT_SERVING_OPTIONS,
  basePath: settings.basePath,
  ladder: ladderOf(settings),
  release: { ...DEFAULT_SERVING_OPTIONS.release, foldInMax: settings.foldInPeople },
  moved: { ...DEFAULT_SERVING_OPTIONS.moved, isOn: settings.itemsFollowPeople },
  people: { ...DEFAULT_SERVING_OPTIONS.people, peopleMax: settings.peopleMax },
  remember: { statesMax: settings.profile === 'distributed' ? STATES_REMEMBERED : 0 },
  live: { ...DEFAULT_SERVING_OPTIONS.live, allowedOrigins: settings.allowedOrigins },
});

/** What goes by everybody proposes no more than what goes by the person. */
const ladderOf = ({ candidatesPerSource, candidatesFirstPage }: Settings): LadderOptions => ({
  ...ladder,
  candidatesMax: candidatesPerSource,
  plainCandidatesMax: Math.min(candidatesFirstPage, candidatesPerSource),
  commonCandidatesMax: Math.min(
    ladder.commonCandidatesMax,
    candidatesFirstPage,
    candidatesPerSource,
  ),
});

/** Some 20 MB of a serving process, for the time in which Redis is away. */
const STATES_REMEMBERED = 10_000;
