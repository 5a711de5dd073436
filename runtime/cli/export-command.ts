/** `freshet export`: events and catalogue as one file of NDJSON. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { catalogueIn } from '../../ingest/catalogue/logged-catalogue.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { dataPathsOf, factsIn, refuseNewer } from '../data-directory.ts';
import { openLogToRead } from '../embedded/stores.ts';
import { type ExportReport, writeExport } from '../export/export-file.ts';
import { streamOptionsOf } from '../option-mapping.ts';
import { formatCount, type Terminal } from '../terminal.ts';
import { type CommandContext, type CommandSpec, EXIT_DONE } from './command.ts';

export const exportCommand: CommandSpec = {
  name: 'export',
  summary:
    'Writes events and catalogue into one NDJSON file, which `freshet import` takes into an empty instance; the server may be running.',
  flags: [
    {
      name: 'out',
      value: 'FILE',
      help: 'Where to; ending in .gz it is packed (freshet-export.ndjson.gz).',
    },
    { name: 'force', help: 'Replace the file if there is one.' },
  ],
  examples: [
    'freshet export --out monday.ndjson.gz',
    'freshet export --data /srv/freshet --out events.ndjson',
    'freshet import monday.ndjson.gz --data ./another',
  ],
  async run(context) {
    const { clock, terminal, configuration, stopping } = context;
    const { settings } = configuration;
    const paths = dataPathsOf(settings.dataDirectory);
    const facts = factsIn(paths.root);
    refuseNewer(facts, paths.root);
    const target = targetOf(context);
    const log = await openLogToRead(paths, facts, clock);
    const bar = terminal.progress('Exporting');
    try {
      const report = await writeExport({
        log,
        items: await catalogueIn(log),
        target,
        instanceId: facts.instanceId,
        kinds: kindTable(DEFAULT_KINDS),
        options: streamOptionsOf(settings, facts),
        clock,
        onProgress: bar.update,
        signal: stopping,
      });
      bar.end(`${formatCount(report.items)} items, ${formatCount(report.events)} events`);
      tell(terminal, report, target);
      return EXIT_DONE;
    } finally {
      await log.close();
    }
  },
};

const targetOf = (context: CommandContext): string => {
  const target = resolve(context.text('out') ?? 'freshet-export.ndjson.gz');
  if (!/\.ndjson(\.gz)?$/.test(target)) {
    const problem = `Expected --out to end in .ndjson or .ndjson.gz, got ${target}.`;
    throw new FreshetError('bad_usage', { problem });
  }
  if (existsSync(target) && !context.isOn('force')) {
    const problem = `Expected ${target} not to exist; choose another --out, or add --force to replace it.`;
    throw new FreshetError('bad_usage', { problem });
  }
  return target;
};

const tell = (terminal: Terminal, { expired }: ExportReport, target: string): void => {
  terminal.line(`Written to ${target}; what was taken back or doubled is left out.`);
  if (expired > 0) {
    terminal.line(
      `Retention had shortened the log: ${formatCount(expired)} older records are not in it.`,
    );
  }
  terminal.line(`freshet import ${target} --data DIRECTORY makes the same lists elsewhere.`);
};
