/**
 * What a start does beyond opening things: on a new data directory the demo's films and history, on
 * an old one the time between, then the banner and the audience.
 */

import { FreshetError } from '../../schemas/errors.ts';
import type { CommandContext } from '../cli/command.ts';
import type { Instance } from '../embedded/instance.ts';
import { formatCount } from '../terminal.ts';
import { bannerLines } from './banner.ts';
import { type DemoAudience, startDemoAudience } from './demo-audience.ts';
import { fillAbsence, loadDemo } from './demo-data.ts';

const DEMO = 'demo';

export const beginFirstMinute = async (
  instance: Instance,
  context: CommandContext,
): Promise<DemoAudience> => {
  const { terminal } = context;
  if (context.isOn('empty')) checkDataset(instance, null);
  else if (await startsDemo(instance)) await bringDemo(instance, context);
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

/** A directory without a catalogue becomes the demo; one with the site's own stays as it is. */
const startsDemo = async (instance: Instance): Promise<boolean> => {
  const { facts } = instance.directory;
  if (facts.dataset !== null) return facts.dataset === DEMO;
  const { items } = instance.serving.status().catalogue;
  if (items > 0 && !facts.audience) return false;
  instance.directory.updateFacts({ dataset: DEMO });
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
const checkDataset = (instance: Instance, wanted: string | null): void => {
  const { facts, paths } = instance.directory;
  if (facts.dataset === wanted) return;
  throw new FreshetError('data_other_catalogue', {
    directory: paths.root,
    wanted: wanted ?? 'no demo',
    found: facts.dataset,
    command: 'npm start -- --empty --data ./data-empty',
  });
};
