/** `freshet rebuild`: throws the state away and makes it again from the log. */
import { dataPathsOf, factsIn, openDataDirectory } from '../data-directory.ts';
import { rebuildDirectory } from '../embedded/rebuild-directory.ts';
import { formatCount, formatSeconds } from '../terminal.ts';
import { type CommandSpec, EXIT_DONE } from './command.ts';

export const rebuildCommand: CommandSpec = {
  name: 'rebuild',
  summary: 'Throws the state away and rebuilds it from the log; the server must not run.',
  flags: [
    {
      name: 'accept-loss',
      help: 'Go on where the log has let go of events that the warehouse does not have either.',
    },
  ],
  examples: ['freshet rebuild', 'freshet rebuild --data /srv/freshet'],
  async run(context) {
    const { clock, terminal, configuration } = context;
    const { settings } = configuration;
    factsIn(dataPathsOf(settings.dataDirectory).root);
    const directory = openDataDirectory(settings.dataDirectory, settings);
    const began = clock.monotonicMs();
    try {
      const { expired, fromWarehouse } = await rebuildDirectory({
        directory,
        settings,
        acceptsLoss: context.isOn('accept-loss'),
        clock,
        logger: context.createLogger('rebuild'),
      });
      if (expired > 0) {
        terminal.line(
          `The log had let go of ${formatCount(expired)} events; ${formatCount(fromWarehouse)} of them came from the warehouse.`,
        );
      }
    } finally {
      directory.release();
    }
    terminal.line(`Rebuilt in ${formatSeconds((clock.monotonicMs() - began) / 1000)}.`);
    return EXIT_DONE;
  },
};
