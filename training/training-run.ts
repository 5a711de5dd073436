/**
 * One training: read → index → fit → evaluate → gate → publish. What comes out is a stored release,
 * or the reasons why there is none; putting it to use is the caller's, who owns the control log.
 *
 * Models are fitted twice: on what happened before the hold-out's moment, to be tried, and, when
 * the trial is passed, on everything. Killed at any point, a run leaves at most a staged directory
 * that the next publish clears, or a release that nobody claims (`unclaimed-releases.ts`).
 */
import type { KernelEngine } from '../algorithms/kernels/kernel-engine.ts';
import { type FitContext, partOf } from '../algorithms/model/fit-context.ts';
import { seededRandom } from '../algorithms/random/seeded-random.ts';
import type { Clock, CrashPoint } from '../schemas/environment.ts';
import { isFreshetError } from '../schemas/errors.ts';
import type { FeedbackKind } from '../schemas/kinds.ts';
import type { ModelFacts, ModelKind, RatingTrial, ReleaseFacts } from '../schemas/release.ts';
import type { ArtifactStore } from '../storage/artifact-store/artifact-store.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';
import { readCatalogue } from './content-model.ts';
import type { TRAINING_CRASH_POINTS } from './crash-points.ts';
import { faultsOfModel } from './gate.ts';
import { type ReadHistory, readHistory } from './histories/history-reader.ts';
import { historiesFor } from './histories/training-histories.ts';
import { type HoldOut, holdOutOf } from './hold-out.ts';
import { type FitTools, MODEL_RECIPES, type ModelRecipe } from './model-recipes.ts';
import type { TrainingOptions } from './options.ts';
import { fitRatings, type RatingFit } from './ratings.ts';
import {
  filesOf,
  jsonBytes,
  learnedWeightsOf,
  type OpenedRelease,
  openRelease,
  versionOf,
} from './release-writing.ts';
import { type Trial, tryModels } from './trial.ts';

export type TrainingStage = 'reading' | 'trying' | 'fitting' | 'publishing';

export interface TrainingProgress {
  readonly stage: TrainingStage;
  /** What is being fitted; null in the other stages. */
  readonly model: ModelKind | null;
  /** Of the whole run, 0 to 1, never falling. */
  readonly share: number;
  readonly eventsRead: number;
}

export interface TrainingOrder {
  readonly runId: string;
  readonly kinds: readonly ModelKind[];
  /** The release in use; null where there is none. */
  readonly formerVersion: string | null;
  readonly seed: number;
  readonly configVersion: number;
}

export interface TrainingDependencies {
  readonly warehouse: Warehouse;
  readonly artifactStore: ArtifactStore;
  readonly userPartitions: number;
  readonly kinds: readonly FeedbackKind[];
  readonly engine: KernelEngine;
  readonly clock: Clock;
  readonly options: TrainingOptions;
  readonly crashPoint: CrashPoint;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface TrainingResult {
  /** null where it was refused. */
  readonly version: string | null;
  readonly faults: readonly string[];
  readonly remarks: readonly string[];
  readonly facts: ReleaseFacts;
}

/** Shares of the run at which its stages end; a trial sees fewer people, and tests lists. */
const STAGE_ENDS = { reading: 0.2, trying: 0.55, fitting: 0.97, publishing: 1 } as const;
/** Of the fitting, what the model of ratings takes, with its own trial. */
const RATINGS_SHARE = 0.15;

export const runTraining = async (
  order: TrainingOrder,
  dependencies: TrainingDependencies,
): Promise<TrainingResult> => {
  const { options, kinds, clock, crashPoint } = dependencies;
  const reporter = new Reporter(dependencies);
  const { former, remarks: found } = await openFormer(order, dependencies);
  const history = await read(former, dependencies, reporter);
  pass(crashPoint, 'training.read');
  const { recipes, remarks } = chosenRecipes(order, history, options);
  const random = seededRandom(order.seed);
  const holdOut = holdOutOf(history, kinds, options.holdOut, random.fork(1));
  const trial = await tryModels(holdOut, recipes, former, {
    ...toolsOf(order, dependencies),
    catalogue: await readCatalogue(dependencies.warehouse, dependencies.signal),
    context: reporter.context('trying', order.seed),
  });
  pass(crashPoint, 'training.tried');
  const version = versionOf(clock.now(), order.runId);
  const run = { order, dependencies, reporter, former, history, holdOut, recipes, trial, version };
  const allRemarks = [...found, ...remarks, ...trial.remarks];
  if (trial.faults.length > 0) {
    const facts = factsOf(run, { fitted: new Map(), ratings: null });
    return { version: null, faults: trial.faults, remarks: allRemarks, facts };
  }
  return fitAndPublish(run, allRemarks);
};

interface Run {
  readonly order: TrainingOrder;
  readonly dependencies: TrainingDependencies;
  readonly reporter: Reporter;
  readonly former: OpenedRelease | undefined;
  readonly history: ReadHistory;
  readonly holdOut: HoldOut;
  readonly recipes: readonly ModelRecipe[];
  readonly trial: Trial;
  readonly version: string;
}

/**
 * One that is lost or damaged must not stop all trainings to come: it is as if there were none, and
 * that is said. A store that does not answer is another matter.
 */
const openFormer = async (
  { formerVersion }: TrainingOrder,
  { artifactStore }: TrainingDependencies,
): Promise<{ readonly former?: OpenedRelease; readonly remarks: readonly string[] }> => {
  if (formerVersion === null) return { remarks: [] };
  try {
    return { former: openRelease(await artifactStore.read(formerVersion)), remarks: [] };
  } catch (error) {
    if (!isFreshetError(error, 'not_found') && !isFreshetError(error, 'artifact_damaged')) {
      throw error;
    }
    return { remarks: [lostFormer(formerVersion, error)] };
  }
};

const lostFormer = (version: string, { message }: Error): string =>
  `The release in use, ${version}, was compared with nothing and no model of it was taken over: ${message}`;

const read = async (
  former: OpenedRelease | undefined,
  { warehouse, userPartitions, kinds, options, signal }: TrainingDependencies,
  reporter: Reporter,
): Promise<ReadHistory> => {
  reporter.report('reading', 0);
  return readHistory({
    warehouse,
    userPartitions,
    kinds,
    ownMeanPrior: options.ownMeanPrior,
    limits: options.limits,
    formerItems: former?.itemIds ?? [],
    ...(signal ? { signal } : {}),
    onProgress: (events, total) => {
      reporter.eventsRead = events;
      reporter.report('reading', total === 0 ? 1 : Math.min(1, events / total));
    },
  });
};

const chosenRecipes = (
  { kinds }: TrainingOrder,
  { itemIds }: ReadHistory,
  options: TrainingOptions,
): { readonly recipes: readonly ModelRecipe[]; readonly remarks: readonly string[] } => {
  const remarks: string[] = [];
  const recipes = MODEL_RECIPES.filter(({ kind, unfit }) => {
    if (!kinds.includes(kind)) return false;
    const why = unfit?.(itemIds.length, options);
    if (why !== undefined) remarks.push(`The model ${kind} is left out: ${why}.`);
    return why === undefined;
  });
  return { recipes, remarks };
};

const toolsOf = (
  { seed }: TrainingOrder,
  { options, engine, signal }: TrainingDependencies,
): FitTools => ({ options, engine, context: { seed, ...(signal ? { signal } : {}) } });

const fitAndPublish = async (run: Run, remarks: readonly string[]): Promise<TrainingResult> => {
  const { order, dependencies, reporter, former, history, trial, version } = run;
  const { artifactStore, clock, crashPoint } = dependencies;
  const fitted = new Map(await fitAll(run));
  const ratings = await fitStars(run);
  if (ratings?.fitted) fitted.set('ratings', ratings.fitted);
  const allRemarks = ratings?.remark === undefined ? remarks : [...remarks, ratings.remark];
  pass(crashPoint, 'training.fitted');
  const files = new Map(former?.files);
  const itemCounts = new Map<ModelKind, number>();
  for (const [kind, { bytes }] of fitted) {
    files.set(kind, bytes);
    itemCounts.set(kind, history.itemIds.length);
  }
  if (order.kinds.includes('blend') && trial.weights.size > 0) {
    // Parts that were not tried keep what they were worth.
    const weights = new Map([...(former?.weights ?? []), ...trial.weights]);
    files.set('blend', jsonBytes(learnedWeightsOf(weights)));
  }
  const facts = factsOf(run, { fitted, ratings: ratings?.trial ?? null });
  const faults = [...itemCounts].flatMap(([kind, itemCount]) =>
    faultsOfModel({ kind, bytes: files.get(kind)!, itemCount }),
  );
  if (faults.length > 0) return { version: null, faults, facts, remarks: allRemarks };
  reporter.report('publishing', 0);
  const manifest = { version, createdAt: clock.now(), facts: { ...facts } };
  await artifactStore.publish(manifest, filesOf(history.itemIds, files));
  pass(crashPoint, 'training.published');
  reporter.report('publishing', 1);
  return { version, faults: [], facts, remarks: allRemarks };
};

interface FittedModel {
  readonly bytes: Uint8Array;
  readonly seconds: number;
}

const fitAll = async ({
  order,
  dependencies,
  reporter,
  history,
  recipes,
}: Run): Promise<ReadonlyMap<ModelKind, FittedModel>> => {
  const { kinds, clock } = dependencies;
  const fitted = new Map<ModelKind, FittedModel>();
  const whole = partOf(reporter.context('fitting', order.seed), {
    start: 0,
    end: 1 - RATINGS_SHARE,
  });
  for (const [place, recipe] of recipes.entries()) {
    reporter.model = recipe.kind;
    const startedMs = clock.monotonicMs();
    const context = partOf(whole, {
      start: place / recipes.length,
      end: (place + 1) / recipes.length,
    });
    const histories = historiesFor(recipe.view, { history, kinds });
    const model = await recipe.fit(histories, { ...toolsOf(order, dependencies), context });
    const seconds = (clock.monotonicMs() - startedMs) / 1000;
    fitted.set(recipe.kind, { bytes: model.serialise(), seconds });
  }
  reporter.model = null;
  return fitted;
};

/** undefined where nobody asked for it. */
const fitStars = async ({
  order,
  dependencies,
  reporter,
  history,
  holdOut,
}: Run): Promise<
  (Pick<RatingFit, 'trial' | 'remark'> & { readonly fitted: FittedModel | undefined }) | undefined
> => {
  if (!order.kinds.includes('ratings')) return undefined;
  const { clock, options } = dependencies;
  const startedMs = clock.monotonicMs();
  reporter.model = 'ratings';
  const context = partOf(reporter.context('fitting', order.seed), {
    start: 1 - RATINGS_SHARE,
    end: 1,
  });
  const { bytes, ...told } = await fitRatings(history, holdOut, options, context);
  reporter.model = null;
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  return { ...told, fitted: bytes && { bytes, seconds } };
};

const factsOf = (
  { order, former, history, trial, version, dependencies }: Run,
  {
    fitted,
    ratings,
  }: {
    readonly fitted: ReadonlyMap<ModelKind, FittedModel>;
    readonly ratings: RatingTrial | null;
  },
): ReleaseFacts => {
  const trainedAt = dependencies.clock.now();
  const models: Partial<Record<ModelKind, ModelFacts>> = { ...former?.facts.models };
  for (const [kind, { seconds }] of fitted)
    models[kind] = { trainedIn: version, trainedAt, seconds };
  if (order.kinds.includes('blend') && trial.weights.size > 0) {
    models.blend = { trainedIn: version, trainedAt, seconds: 0 };
  }
  return {
    format: 1,
    configVersion: order.configVersion,
    seed: order.seed,
    positions: history.positions,
    history: {
      events: history.events.items.length,
      users: history.personCount,
      items: history.itemIds.length,
      eventsCut: history.eventsCut,
    },
    models,
    holdOut: { users: trial.people, scores: trial.scores, ratings },
  };
};

const pass = (crashPoint: CrashPoint, name: (typeof TRAINING_CRASH_POINTS)[number]): void =>
  crashPoint(name);

/** Progress of the whole run from that of its stages. */
class Reporter {
  model: ModelKind | null = null;
  eventsRead = 0;
  readonly #dependencies: Pick<TrainingDependencies, 'onProgress' | 'signal'>;
  #share = 0;

  constructor(dependencies: Pick<TrainingDependencies, 'onProgress' | 'signal'>) {
    this.#dependencies = dependencies;
  }

  report(stage: TrainingStage, shareOfStage: number): void {
    const stages = Object.keys(STAGE_ENDS) as TrainingStage[];
    const before = stages[stages.indexOf(stage) - 1];
    const start = before === undefined ? 0 : STAGE_ENDS[before];
    const share = start + (STAGE_ENDS[stage] - start) * shareOfStage;
    this.#share = Math.max(this.#share, share);
    const { model, eventsRead } = this;
    this.#dependencies.onProgress?.({ stage, model, share: this.#share, eventsRead });
  }

  context(stage: TrainingStage, seed: number): FitContext {
    const { signal } = this.#dependencies;
    const onProgress = (share: number): void => this.report(stage, share);
    return { seed, onProgress, ...(signal ? { signal } : {}) };
  }
}
