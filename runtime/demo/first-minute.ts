/**
 * What a start does beyond opening things: on a new data directory the demo's films and history, on
 * an old one the time between, then the banner and the audience.
 */

import { DEMO_CATALOGUE_NAME } from '../../ingest/demo/demo-catalogue.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { CommandContext } from '../cli/command.ts';
import type { Instance } from '../embedded/instance.ts';
import { formatCount } from '../terminal.ts';
import { bannerLines } from './banner.ts';
import { bringDataset, datasetNameOf } from './dataset-start.ts';
import { type DemoAudience, startDemoAudience } from './demo-audience.ts';
import { fillAbsence, loadDemo } from './demo-data.ts';

export const beginFirstMinute = async (
  instance: Instance,
  context: CommandContext,
): Promise<DemoAudience> => {
  const { terminal } = context;
  await bringContents(instance, context);
  if (instance.warehouse.whyOff) terminal.line(`Without a warehouse: ${instance.warehouse.whyOff}`);
  for (const line of await bannerLines(instance, context.configuration.settings)) {
    terminal.line(line);
  }
  return startDemoAudience(instance, {
    settings: context.configuration.settings,
    clock: context.clock,
    logger: context.createLogger('audience'),
  });
};

const bringContents = async (instance: Instance, context: CommandContext): Promise<void> => {
  const path = context.text('dataset');
  if (context.isOn('empty')) {
    checkDataset(instance, { wanted: null, words: '--empty' });
  } else if (path !== undefined) {
    const wanted = datasetNameOf(path);
    if (instance.serving.status().catalogue.items > 0) {
      checkDataset(instance, { wanted, words: `--dataset ${path}` });
    }
    instance.directory.updateFacts({ dataset: wanted });
    await bringDataset(instance, path, context);
    await instance.stream.caughtUp();
    await instance.serving.poll();
  } else if (startsDemo(instance)) {
    await bringDemo(instance, context);
  }
};

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
  { terminal, clock }: CommandContext,
): Promise<void> => {
  const isLoaded = instance.directory.facts.audience?.isLoaded === true;
  const progress = terminal.progress(isLoaded ? 'Filling the time since' : 'Six weeks of history');
  const began = clock.monotonicMs();
  const count = isLoaded
    ? await fillAbsence(instance, clock, progress)
    : await loadDemo(instance, clock, progress);
  await instance.stream.caughtUp();
  await instance.serving.poll();
  const seconds = ((clock.monotonicMs() - began) / 1000).toFixed(1);
  if (count > 0) progress.end(`${formatCount(count)} events, ${seconds} s`);
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
