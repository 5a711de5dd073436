/** `freshet backup` and `freshet restore`. */
import { resolve } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { takeBackup } from '../backup/backup.ts';
import type { BackupManifest } from '../backup/manifest.ts';
import { restoreBackup } from '../backup/restore.ts';
import { formatBytes, formatCount } from '../terminal.ts';
import { type CommandSpec, EXIT_DONE } from './command.ts';
import { backUpServers, restoreToServers } from './site-backup.ts';

export const backupCommand: CommandSpec = {
  name: 'backup',
  usage: '<directory>',
  wordsMax: 1,
  summary:
    'Copies log, state and models into an empty directory, of a data directory or, with --profile distributed, from servers; all may be running.',
  flags: [],
  examples: [
    'freshet backup /mnt/backups/monday',
    'freshet backup ./copy --data /srv/freshet',
    'freshet backup ./copy --profile distributed --kafka-brokers kafka:9092 --redis-urls redis://redis:6379 --clickhouse-url http://clickhouse:8123',
  ],
  async run(context) {
    const { words, clock, terminal, configuration, stopping } = context;
    const target = resolve(wordOf(words, 'a directory to write the backup to'));
    if (configuration.settings.profile === 'distributed') return backUpServers(context, target);
    const bar = terminal.progress('Backing up');
    const manifest = await takeBackup({
      dataDirectory: configuration.settings.dataDirectory,
      target,
      clock,
      onProgress: bar.update,
      signal: stopping,
    });
    bar.end(summaryOf(manifest));
    if (isShortened(manifest)) {
      terminal.line(
        'Retention had shortened the log: older rows of the warehouse are not in this backup.',
      );
    }
    terminal.line(`freshet restore ${target} --data DIRECTORY makes a data directory of it.`);
    return EXIT_DONE;
  },
};

export const restoreCommand: CommandSpec = {
  name: 'restore',
  usage: '<backup>',
  wordsMax: 1,
  summary:
    'Makes a data directory from a backup or, with --profile distributed, fills servers that hold no site; verifies every file, and the server must not run.',
  flags: [
    { name: 'force', help: 'Replace what the data directory holds.' },
    {
      name: 'repartition',
      help: 'On servers: take other numbers of partitions than the backup has; state and warehouse are then made from the log.',
    },
  ],
  examples: [
    'freshet restore /mnt/backups/monday --data ./restored',
    'freshet restore /mnt/backups/monday --force',
    'freshet restore ./copy --profile distributed --namespace wider --user-partitions 16 --repartition',
  ],
  async run(context) {
    const { words, terminal, configuration, stopping } = context;
    const { dataDirectory, profile } = configuration.settings;
    const backup = resolve(wordOf(words, 'a backup to restore'));
    if (profile === 'distributed') return restoreToServers(context, backup);
    const bar = terminal.progress('Restoring');
    const manifest = await restoreBackup({
      backup,
      dataDirectory,
      force: context.isOn('force'),
      onProgress: bar.update,
      signal: stopping,
    });
    bar.end(summaryOf(manifest));
    terminal.line(`As of ${manifest.takenAt}; start with: freshet start --data ${dataDirectory}`);
    return EXIT_DONE;
  },
};

const wordOf = (words: readonly string[], what: string): string => {
  const [word] = words;
  if (word === undefined) {
    throw new FreshetError('bad_usage', { problem: `Expected ${what}, got none.` });
  }
  return word;
};

const summaryOf = ({ files, log }: BackupManifest): string => {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const events = (log.interactions ?? []).reduce((sum, { low, end }) => sum + end - low, 0);
  return `${formatCount(events)} events, ${files.length} files, ${formatBytes(bytes)}, verified`;
};

const isShortened = ({ log }: BackupManifest): boolean =>
  [...(log.interactions ?? []), ...(log.impressions ?? [])].some(({ low }) => low > 0);
