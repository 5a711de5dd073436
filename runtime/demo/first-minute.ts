/**
 * What a start does beyond opening things: on a new data directory the demo's films and history, on
 * an old one the time between, then the banner and the audience. Told to stop meanwhile it throws;
 * the next start goes on from there.
 */
import type { AudienceWorld } from '../../ingest/audience/audience-world.ts';
import { DEMO_CATALOGUE_NAME } from '../../ingest/demo/demo-catalogue.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { untilAborted } from '../../schemas/until-aborted.ts';
import type { CommandContext } from '../cli/command.ts';
import type { Instance } from '../instance.ts';
import { formatCount } from '../terminal.ts';
import { bannerLines } from './banner.ts';
import { bringDataset, datasetNameOf, datasetWorldOf, isDatasetName } from './dataset-start.ts';
import { type DemoAudience, startDemoAudience } from './demo-audience.ts';
import { demoWorldOf, fillAbsence, loadDemo, newAudience } from './demo-data.ts';

export const beginFirstMinute = async (
  instance: Instance,
  context: CommandContext,
): Promise<DemoAudience> => {
  const { terminal } = context;
  const world = await bringContents(instance, context);
  context.stopping.throwIfAborted();
  if (instance.warehouse.whyOff) terminal.line(`Without a warehouse: ${instance.warehouse.whyOff}`);
  for (const line of await bannerLines(instance, context.configuration.settings)) {
    terminal.line(line);
  }
  return startDemoAudience(instance, {
    world,
    settings: context.configuration.settings,
    clock: context.clock,
    logger: context.createLogger('audience'),
  });
};

/** Resolves to the audience that comes from now on, where there is one. */
const bringContents = async (
  instance: Instance,
  context: CommandContext,
): Promise<AudienceWorld | undefined> => {
  const path = context.text('dataset');
  if (context.isOn('empty')) {
    checkDataset(instance, { wanted: null, words: '--empty' });
    return undefined;
  }
  if (path !== undefined) {
    const wanted = datasetNameOf(path);
    if (instance.serving.status().catalogue.items > 0) {
      checkDataset(instance, { wanted, words: `--dataset ${path}` });
    }
    instance.directory.updateFacts({ dataset: wanted });
    await bringDataset(instance, path, context);
    await untilShown(instance, context);
  }
  if (isDatasetName(instance.directory.facts.dataset)) return goOnFromDataset(instance, context);
  return startsDemo(instance) ? bringDemo(instance, context) : undefined;
};

const untilShown = async (
  { stream, serving }: Instance,
  { stopping }: CommandContext,
): Promise<void> => {
  await Promise.race([stream.caughtUp(), untilAborted(stopping)]);
  stopping.throwIfAborted();
  await serving.poll();
};

const goOnFromDataset = async (
  instance: Instance,
  context: CommandContext,
): Promise<AudienceWorld | undefined> => {
  const { directory, log } = instance;
  const audience = directory.facts.audience ?? newAudience(context.clock);
  directory.updateFacts({ audience });
  const world = await datasetWorldOf(log, audience);
  if (world) await fillTimeSince(instance, world, context);
  return world;
};

const fillTimeSince = async (
  instance: Instance,
  world: AudienceWorld,
  context: CommandContext,
): Promise<void> => {
  const { terminal, clock, configuration, stopping: signal } = context;
  // Where the audience is turned off, nobody came meanwhile either.
  if (configuration.settings.audiencePerSecond === 0) return;
  const progress = terminal.progress('Filling the time since');
  const began = clock.monotonicMs();
  const count = await fillAbsence(instance, { world, clock, progress, signal });
  await untilShown(instance, context);
  if (count > 0) progress.end(`${formatCount(count)} events, ${secondsSince(began, clock)} s`);
};

const secondsSince = (beganMs: number, clock: CommandContext['clock']): string =>
  ((clock.monotonicMs() - beganMs) / 1000).toFixed(1);

/** A directory without a catalogue becomes the demo; one with the site's own stays as it is. */
const startsDemo = (instance: Instance): boolean => {
  const { facts } = instance.directory;
  if (facts.dataset !== null) return facts.dataset === DEMO_CATALOGUE_NAME;
  const { items } = instance.serving.status().catalogue;
  if (items > 0 && !facts.audience) return false;
  instance.directory.updateFacts({ dataset: DEMO_CATALOGUE_NAME });
  return true;
};

const bringDemo = async (
  instance: Instance,
  context: CommandContext,
): Promise<AudienceWorld | undefined> => {
  const { terminal, clock, stopping: signal } = context;
  const known = instance.directory.facts.audience;
  if (known?.isLoaded) {
    const world = demoWorldOf(known);
    await fillTimeSince(instance, world, context);
    return world;
  }
  const progress = terminal.progress('Six weeks of history');
  const began = clock.monotonicMs();
  const count = await loadDemo(instance, { clock, progress, signal });
  await untilShown(instance, context);
  progress.end(`${formatCount(count)} events, ${secondsSince(began, clock)} s`);
  const { audience } = instance.directory.facts;
  return audience && demoWorldOf(audience);
};

/** A data directory keeps its catalogue for life: another one would make nonsense of its history. */
const checkDataset = (
  instance: Instance,
  asked: { readonly wanted: string | null; readonly words: string },
): void => {
  const { facts, paths } = instance.directory;
  if (facts.dataset === asked.wanted) return;
  throw new FreshetError('data_other_catalogue', {
    directory: paths.root,
    wanted: asked.wanted ?? 'a catalogue of your own',
    found: facts.dataset ?? 'a catalogue of your own',
    command: `npm start -- ${asked.words} --data ${paths.root}-2`,
  });
};
