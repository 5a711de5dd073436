/** `freshet simulate`: a seeded audience that visits a running server, at a chosen pace. */
import { audienceWorld } from '../../ingest/audience/audience-world.ts';
import { HttpAudienceApi } from '../../ingest/audience/http-audience-api.ts';
import { createLiveAudience } from '../../ingest/audience/live-audience.ts';
import {
  AUDIENCE_OPTION_DESCRIPTIONS,
  DEFAULT_AUDIENCE_OPTIONS,
} from '../../ingest/audience/options.ts';
import { HttpCatalogueTarget } from '../../ingest/catalogue/http-catalogue-target.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { dataPathsOf } from '../data-directory.ts';
import { formatCount } from '../terminal.ts';
import { type CommandSpec, EXIT_DONE } from './command.ts';
import { serverOf } from './server-address.ts';

const DEFAULT_RATE = 10;

export const simulateCommand: CommandSpec = {
  name: 'simulate',
  summary: 'Lets a simulated audience visit a running server: it looks at lists, clicks and rates.',
  flags: [
    { name: 'url', value: 'URL', help: 'Of the server, where it is not the one on --data.' },
    { name: 'rate', value: 'N', help: `Events a second (${DEFAULT_RATE}).` },
    { name: 'seconds', value: 'N', help: 'Stop after so long; else until Ctrl-C.' },
    { name: 'seed', value: 'N', help: AUDIENCE_OPTION_DESCRIPTIONS.seed },
    { name: 'people', value: 'N', help: AUDIENCE_OPTION_DESCRIPTIONS.people },
  ],
  examples: ['freshet simulate', 'freshet simulate --rate 200 --seconds 60 --seed 7'],
  async run(context) {
    const { clock, terminal, configuration, stopping } = context;
    const url = await serverOf(context);
    if (url === undefined) {
      const where = dataPathsOf(configuration.settings.dataDirectory).root;
      throw new FreshetError('not_found', { what: `a running server on ${where}` });
    }
    const ratePerSecond = context.integer('rate', { min: 1, max: 10_000 }) ?? DEFAULT_RATE;
    const seconds = context.integer('seconds', { min: 1, max: 10_000_000 });
    const { seed, people } = DEFAULT_AUDIENCE_OPTIONS;
    const catalogue = [...(await new HttpCatalogueTarget({ url }).currentItems())];
    const world = audienceWorld({
      catalogue,
      endsAt: clock.now(),
      seed: context.integer('seed', { min: 0, max: 2 ** 31 }) ?? seed,
      people: context.integer('people', { min: 1, max: 1_000_000 }) ?? people,
    });
    const audience = createLiveAudience(
      {
        world,
        api: new HttpAudienceApi({ baseUrl: url, source: 'simulate' }),
        clock,
        logger: context.createLogger('audience'),
      },
      { ratePerSecond },
    );
    const done = new AbortController();
    const signal = AbortSignal.any([stopping, done.signal]);
    terminal.line(
      `${formatCount(world.options.people)} people visit ${url} at ${ratePerSecond} events a second.`,
    );
    const acting = audience.run(signal);
    if (seconds !== undefined) {
      await clock.sleep((seconds * 1000) as DurationMs, stopping).catch(() => {});
      done.abort();
    }
    await acting;
    const { eventsSent, eventsRefused, listsSeen } = audience.status();
    terminal.line(
      `${formatCount(eventsSent)} events sent, ${formatCount(eventsRefused)} refused, ` +
        `${formatCount(listsSeen)} lists seen.`,
    );
    return EXIT_DONE;
  },
};
