/** `freshet migrate`: from a data directory onto servers. */
import { resolve } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { createCrashPoint } from '../crash-point.ts';
import { openServers } from '../distributed/servers.ts';
import { openStoppedSite } from '../embedded/stopped-site.ts';
import { environment } from '../environment.ts';
import {
  hasSameCounts,
  type MoveOptions,
  moveSite,
  refuseOtherCounts,
  refuseSite,
} from '../moving/move-site.ts';
import { sizeOfSite } from '../moving/site-size.ts';
import { type SiteStores, sourceOfStores } from '../moving/stores-source.ts';
import { openedOrClosed } from '../openings.ts';
import type { Settings } from '../settings.ts';
import { formatBytes, formatCount, formatSeconds, type Terminal } from '../terminal.ts';
import { type CommandContext, type CommandSpec, EXIT_DONE } from './command.ts';

export const migrateCommand: CommandSpec = {
  name: 'migrate',
  summary:
    'Moves a site from a data directory onto Kafka, Redis and ClickHouse that hold none; the server must not run.',
  flags: [
    { name: 'from', value: 'DIRECTORY', help: 'The data directory; it is left as it is.' },
    {
      name: 'from-namespace',
      value: 'NAME',
      help: 'Namespace that the site had there, where it was not the default (freshet).',
    },
    {
      name: 'repartition',
      help: 'Take other numbers of partitions than the directory has; state and warehouse are then made from the log.',
    },
    { name: 'dry-run', help: 'Only say what would be moved, and whether it could be.' },
  ],
  examples: [
    'freshet migrate --from ./data --dry-run',
    'freshet migrate --from ./data --kafka-brokers kafka:9092 --redis-urls redis://redis:6379 --clickhouse-url http://clickhouse:8123',
  ],
  async run(context) {
    const { clock, terminal, stopping } = context;
    const { settings } = context.configuration;
    const began = clock.monotonicMs();
    await openedOrClosed(async (openings) => {
      const logger = context.createLogger('migrate');
      const stores = await openStoppedSite({ ...fromOf(context), clock, logger }, openings);
      await tellSize(stores, terminal);
      const mayRepartition = context.isOn('repartition');
      if (!mayRepartition) refuseOtherCounts(stores.counts, settings);
      tellCounts(stores, settings, terminal);
      const servers = await openServers({ settings, clock, logger }, openings);
      const options: MoveOptions = {
        source: sourceOfStores(stores),
        servers,
        clock,
        terminal,
        mayRepartition,
        crashPoint: createCrashPoint(environment().FRESHET_CRASH_POINT),
        signal: stopping,
      };
      if (context.isOn('dry-run')) {
        await refuseSite(options);
        terminal.line('Nothing was moved.');
      } else {
        await moveSite(options);
        terminal.line(`Moved in ${formatSeconds((clock.monotonicMs() - began) / 1000)}.`);
        terminal.line(
          'freshet start --profile distributed --empty, with these settings, goes on from there.',
        );
      }
      await openings.close();
    });
    return EXIT_DONE;
  },
};

const fromOf = (context: CommandContext): { directory: string; settings: Settings } => {
  const from = context.text('from');
  if (from === undefined) {
    throw new FreshetError('bad_usage', { problem: 'Expected --from DIRECTORY, got none.' });
  }
  const { settings } = context.configuration;
  const namespace = context.text('from-namespace') ?? 'freshet';
  return { directory: resolve(from), settings: { ...settings, namespace } };
};

const tellCounts = ({ counts }: SiteStores, settings: Settings, terminal: Terminal): void => {
  if (hasSameCounts(counts, settings)) return;
  const { userPartitions, itemPartitions } = settings;
  terminal.line(
    `From ${counts.userPartitions} and ${counts.itemPartitions} partitions to ${userPartitions} and ${itemPartitions}: the log alone is moved; state and warehouse are made from it at the first start.`,
  );
};

const tellSize = async (stores: SiteStores, terminal: Terminal): Promise<void> => {
  const size = await sizeOfSite(stores);
  terminal.line(
    `${formatCount(size.records)} records (${formatBytes(size.logBytes)}), ` +
      `state of ${formatBytes(size.stateBytes)}, ${formatCount(size.releases)} releases ` +
      `(${formatBytes(size.releaseBytes)}), ${formatCount(size.rows)} rows.`,
  );
};
