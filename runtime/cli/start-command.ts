/** `freshet start`: the whole instance in one process, until Ctrl-C. */
import { openDataset } from '../../ingest/import/open-dataset.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { untilAborted } from '../../schemas/until-aborted.ts';
import { buildPageWhereStale, PAGE_DIRECTORY } from '../../ui/build.ts';
import { beginFirstMinute } from '../demo/first-minute.ts';
import { openDistributedProfile } from '../distributed/distributed-profile.ts';
import { openEmbeddedProfile } from '../embedded/embedded-profile.ts';
import { ownUrlOf } from '../http/own-url.ts';
import { type Instance, startInstance } from '../instance.ts';
import { type CommandContext, type CommandSpec, EXIT_DONE, EXIT_FAILED } from './command.ts';
import { leaveAddress, takeAddressBack } from './server-address.ts';

export const startCommand: CommandSpec = {
  name: 'start',
  summary: 'Starts Freshet on this machine: log, stream, warehouse, lists and the page.',
  flags: [
    { name: 'empty', help: 'Begin without the demo’s films and audience.' },
    {
      name: 'dataset',
      value: 'PATH',
      help: 'Begin with a MovieLens folder or zip instead of the demo’s films.',
    },
    { name: 'keep-times', help: 'With --dataset: leave its times as they are.' },
  ],
  examples: [
    'freshet start',
    'freshet start --empty --data /srv/freshet',
    'freshet start --dataset ml-latest-small.zip',
  ],
  async run(context) {
    const { configuration, clock, stopping } = context;
    const { settings, chosen } = configuration;
    const logger = context.createLogger('main');
    const dataset = context.text('dataset');
    // Before anything is opened or made: a wrong path is no reason for a data directory.
    if (dataset !== undefined) (await openDataset(dataset)).close();
    await buildPageWhereStale();
    const fatal = Promise.withResolvers<Error>();
    const instance = await startInstance({
      settings,
      openProfile: settings.profile === 'embedded' ? openEmbeddedProfile : openDistributedProfile,
      mayMoveOn: !chosen.has('port'),
      pageDirectory: PAGE_DIRECTORY,
      clock,
      logger,
      onFatal: fatal.resolve,
    });
    const { server } = instance.directory.paths;
    const url = ownUrlOf(settings, instance.port);
    leaveAddress(server, { pid: process.pid, port: instance.port, url });
    const firstMinute = await beginFirstMinute(instance, context).catch(async (error: unknown) => {
      // Its threads would keep the process alive.
      await stop(instance, context, { isFailing: true });
      if (!stopping.aborted) throw error;
      return undefined;
    });
    if (firstMinute === undefined) {
      context.terminal.line(
        'Stopped before everything was there; the same start goes on from here.',
      );
      return EXIT_DONE;
    }
    const failure = await Promise.race([fatal.promise, untilAborted(stopping)]);
    await firstMinute.stop();
    if (failure) context.terminal.problem(`Freshet has to stop: ${failure.message}`);
    await stop(instance, context, { isFailing: failure !== undefined });
    if (failure) return EXIT_FAILED;
    context.terminal.line('Stopped. Your data stays where it is.');
    return EXIT_DONE;
  },
};

const stop = async (
  instance: Instance,
  { configuration, clock, terminal }: CommandContext,
  { isFailing }: { readonly isFailing: boolean },
): Promise<void> => {
  takeAddressBack(instance.directory.paths.server);
  const patience = new AbortController();
  const limitMs = configuration.settings.shutdownSeconds * 1000;
  const isTidy = await Promise.race([
    instance.stop().then(
      () => true,
      (error: Error) => {
        // The failure that ends the program is said; what it breaks on the way out adds nothing.
        if (!isFailing) throw error;
        return true;
      },
    ),
    clock.sleep(limitMs as DurationMs, patience.signal).then(
      () => false,
      () => true,
    ),
  ]);
  patience.abort();
  if (!isTidy) {
    terminal.problem(`Stopping took longer than ${configuration.settings.shutdownSeconds} s.`);
    // Exiting would wait for a thread that may be writing; nothing acknowledged is lost by a kill.
    process.kill(process.pid, 'SIGKILL');
  }
};
