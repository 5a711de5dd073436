/** `freshet rebuild`: throws the state away and makes it again from the log, to the same bits. */
import type { Logger } from '../../schemas/environment.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import { rebuildState } from '../../stream/stream.ts';
import { createCrashPoint } from '../crash-point.ts';
import { type DataDirectory, openDataDirectory } from '../data-directory.ts';
import { discardOldState } from '../embedded/old-state.ts';
import { openEmbeddedLog, openEmbeddedState } from '../embedded/stores.ts';
import { environment } from '../environment.ts';
import { streamOptionsOf } from '../option-mapping.ts';
import { formatSeconds } from '../terminal.ts';
import { allPartitionsOf, STREAM_TOPICS } from '../topic-plan.ts';
import { type CommandContext, type CommandSpec, EXIT_DONE } from './command.ts';

export const rebuildCommand: CommandSpec = {
  name: 'rebuild',
  summary: 'Throws the state away and rebuilds it from the log; the server must not run.',
  flags: [],
  examples: ['freshet rebuild', 'freshet rebuild --data /srv/freshet'],
  async run(context) {
    const { clock, terminal, configuration } = context;
    const { settings } = configuration;
    const logger = context.createLogger('rebuild');
    const directory = openDataDirectory(settings.dataDirectory, settings);
    const began = clock.monotonicMs();
    try {
      const eventLog = await openEmbeddedLog({
        directory: directory.paths.log,
        counts: directory.facts,
        writableTopics: STREAM_TOPICS,
        clock,
      });
      try {
        await discardOldState(directory, eventLog, logger);
        await rebuildIn(directory, eventLog, context, logger);
      } finally {
        await eventLog.close();
      }
    } finally {
      directory.release();
    }
    terminal.line(`Rebuilt in ${formatSeconds((clock.monotonicMs() - began) / 1000)}.`);
    return EXIT_DONE;
  },
};

const rebuildIn = async (
  { paths, facts }: DataDirectory,
  eventLog: EventLog,
  { clock, configuration }: CommandContext,
  logger: Logger,
): Promise<void> => {
  const directory = paths.state;
  const stateStore = await openEmbeddedState({ directory, readOnly: false, clock, logger });
  const liveBus = createInProcessLiveBus({ name: 'rebuild' });
  try {
    await rebuildState({
      eventLog,
      stateStore,
      liveBus,
      clock,
      logger,
      crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
      options: streamOptionsOf(configuration.settings),
      kinds: kindTable(DEFAULT_KINDS),
      partitions: allPartitionsOf(facts),
    });
  } finally {
    await liveBus.close();
    await stateStore.close();
  }
};
