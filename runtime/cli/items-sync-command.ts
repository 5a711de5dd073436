/** `freshet items sync`: makes the catalogue equal to a feed. */
import { type ItemChange, syncItems } from '../../ingest/catalogue/item-sync.ts';
import { openSourceFiles } from '../../ingest/import/source-files.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { formatCount, type Terminal } from '../terminal.ts';
import { type CommandSpec, EXIT_DONE } from './command.ts';
import { problemLines } from './import-command.ts';
import { openWriteTarget } from './write-target.ts';

const CHANGES_SHOWN_MAX = 20;

export const itemsSyncCommand: CommandSpec = {
  name: 'items sync',
  usage: '<feed>',
  wordsMax: 1,
  summary: 'Makes the catalogue equal to a feed; shows what is added, changed and withdrawn.',
  flags: [
    { name: 'dry-run', help: 'Show what would change, and change nothing.' },
    { name: 'force', help: 'Withdraw even more than 20 % of the items.' },
    { name: 'url', value: 'URL', help: 'A server elsewhere; else the data directory’s own.' },
  ],
  examples: ['freshet items sync products.csv --dry-run', 'freshet items sync products.ndjson'],
  async run(context) {
    const { clock, terminal } = context;
    const [feed] = context.words;
    if (feed === undefined) {
      throw new FreshetError('bad_usage', { problem: 'Expected a feed to read, got none.' });
    }
    const dryRun = context.isOn('dry-run');
    // Before a data directory is made for it.
    (await openSourceFiles(feed)).close();
    const target = await openWriteTarget(context, { mayMakeDirectory: !dryRun });
    try {
      const report = await syncItems(
        { feed, force: context.isOn('force'), dryRun },
        { target: target.catalogue, clock },
      );
      showChanges(terminal, '+', report.added);
      showChanges(terminal, '~', report.changed);
      showChanges(terminal, '-', report.withdrawn);
      for (const line of problemLines('Left out', report.broken)) terminal.line(line);
      for (const line of problemLines('Put right', report.cleaned)) terminal.line(line);
      terminal.line(
        `${formatCount(report.added.length)} added, ${formatCount(report.changed.length)} changed, ` +
          `${formatCount(report.withdrawn.length)} withdrawn, ${formatCount(report.unchanged)} as before` +
          `${report.isApplied ? '.' : '; nothing was changed.'}`,
      );
      return EXIT_DONE;
    } finally {
      await target.close();
    }
  },
};

const showChanges = (terminal: Terminal, mark: string, changes: readonly ItemChange[]): void => {
  for (const { itemId, title, fields } of changes.slice(0, CHANGES_SHOWN_MAX)) {
    terminal.line(
      `${mark} ${itemId}  ${title}${fields.length > 0 ? `  (${fields.join(', ')})` : ''}`,
    );
  }
  const rest = changes.length - CHANGES_SHOWN_MAX;
  if (rest > 0) terminal.line(`${mark} and ${formatCount(rest)} more`);
};
