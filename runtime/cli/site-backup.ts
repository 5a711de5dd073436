/** What `freshet backup` and `freshet restore` do where the site is on servers. */

import { restoreSite } from '../backup/servers/restore-site.ts';
import { type SiteManifest, sizeOfBackup } from '../backup/servers/site-manifest.ts';
import { takeSiteBackup } from '../backup/servers/take-site-backup.ts';
import { createCrashPoint } from '../crash-point.ts';
import { openServers } from '../distributed/servers.ts';
import { environment } from '../environment.ts';
import { openedOrClosed } from '../openings.ts';
import { formatBytes, formatCount, formatSeconds } from '../terminal.ts';
import { type CommandContext, EXIT_DONE } from './command.ts';

export const backUpServers = (context: CommandContext, target: string): Promise<number> =>
  openedOrClosed(async (openings) => {
    const { clock, terminal, stopping } = context;
    const { settings } = context.configuration;
    const began = clock.monotonicMs();
    const logger = context.createLogger('backup');
    const servers = await openServers({ settings, clock, logger }, openings);
    const bar = terminal.progress('Backing up');
    const manifest = await takeSiteBackup({
      servers,
      counts: servers.counts,
      namespace: settings.namespace,
      target,
      clock,
      logger,
      onProgress: bar.update,
      signal: stopping,
    });
    bar.end(`${summaryOf(manifest)} in ${formatSeconds((clock.monotonicMs() - began) / 1000)}`);
    terminal.line(
      `freshet restore ${target} --profile distributed puts it on servers that hold no site.`,
    );
    await openings.close();
    return EXIT_DONE;
  });

export const restoreToServers = (context: CommandContext, backup: string): Promise<number> =>
  openedOrClosed(async (openings) => {
    const { clock, terminal, stopping } = context;
    const { settings } = context.configuration;
    const began = clock.monotonicMs();
    const logger = context.createLogger('restore');
    const servers = await openServers({ settings, clock, logger }, openings);
    const { manifest, isRekeyed } = await restoreSite({
      backup,
      servers,
      clock,
      terminal,
      logger,
      mayRepartition: context.isOn('repartition'),
      crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
      signal: stopping,
    });
    const took = formatSeconds((clock.monotonicMs() - began) / 1000);
    terminal.line(`As of ${manifest.takenAt}, in ${took}.`);
    if (isRekeyed) {
      const { userPartitions, itemPartitions } = settings;
      terminal.line(
        `In ${userPartitions} and ${itemPartitions} partitions; state and warehouse are made from the log at the first start.`,
      );
    }
    terminal.line(
      'freshet start --profile distributed --empty, with these settings, goes on from there.',
    );
    await openings.close();
    return EXIT_DONE;
  });

const summaryOf = (manifest: SiteManifest): string => {
  const { records, bytes } = sizeOfBackup(manifest);
  return `${formatCount(records)} records, ${formatBytes(bytes)}`;
};
