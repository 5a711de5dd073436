/**
 * Where a command writes: to the server that runs on the data directory, or, where none runs, into
 * the directory's log itself. Either way the same events and items arrive.
 */
import { HttpCatalogueTarget } from '../../ingest/catalogue/http-catalogue-target.ts';
import type { CatalogueTarget } from '../../ingest/catalogue/item-sync.ts';
import { LogCatalogueTarget } from '../../ingest/catalogue/log-catalogue-target.ts';
import type { BackfillSink } from '../../ingest/import/backfill-sink.ts';
import { HttpBackfillSink } from '../../ingest/import/http-backfill-sink.ts';
import { LogBackfillSink } from '../../ingest/import/log-backfill-sink.ts';
import type { Clock } from '../../schemas/environment.ts';
import { dataPathsOf, factsIn, openDataDirectory } from '../data-directory.ts';
import { openEmbeddedLog } from '../embedded/stores.ts';
import { openPersonKeys } from '../person-keys.ts';
import type { Settings } from '../settings.ts';
import { INGEST_TOPICS } from '../topic-plan.ts';
import type { CommandContext } from './command.ts';
import { serverOf } from './server-address.ts';

export interface WriteTarget {
  /** In words, for the terminal. */
  readonly name: string;
  readonly sink: BackfillSink;
  readonly catalogue: CatalogueTarget;
  close(): Promise<void>;
}

export const openWriteTarget = async (
  context: CommandContext,
  { mayMakeDirectory }: { readonly mayMakeDirectory: boolean },
): Promise<WriteTarget> => {
  const { clock, configuration } = context;
  const url = await serverOf(context);
  if (url !== undefined) return serverTarget(url, clock);
  const { settings } = configuration;
  if (!mayMakeDirectory) factsIn(dataPathsOf(settings.dataDirectory).root);
  return openLogTarget(settings, clock);
};

const serverTarget = (url: string, clock: Clock): WriteTarget => ({
  name: `the server at ${url}`,
  sink: new HttpBackfillSink({ url, clock }),
  catalogue: new HttpCatalogueTarget({ url }),
  close: async () => {},
});

const openLogTarget = async (settings: Settings, clock: Clock): Promise<WriteTarget> => {
  const directory = openDataDirectory(settings.dataDirectory, settings);
  const log = await openEmbeddedLog({
    directory: directory.paths.log,
    keys: openPersonKeys(directory.paths),
    counts: directory.facts,
    writableTopics: INGEST_TOPICS,
    clock,
  });
  return {
    name: directory.paths.root,
    sink: new LogBackfillSink({ log, clock }),
    catalogue: new LogCatalogueTarget({ log, clock }),
    async close() {
      await log.close();
      directory.release();
    },
  };
};
