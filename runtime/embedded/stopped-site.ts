/** Everything that a stopped instance's data directory holds, opened to be read and owned meanwhile. */
import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { epochMs } from '../../schemas/ids.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import { readKeyFile } from '../../storage/event-log/sealing/key-file.ts';
import { recordsOfKeys } from '../../storage/event-log/sealing/key-topic.ts';
import { ClickHouseWarehouse } from '../../storage/warehouse/clickhouse-warehouse.ts';
import { dataPathsOf, openDataDirectory, readFacts, refuseNewer } from '../data-directory.ts';
import type { SiteStores } from '../moving/stores-source.ts';
import type { Openings } from '../openings.ts';
import { keyFileOf, openPersonKeys } from '../person-keys.ts';
import type { Settings } from '../settings.ts';
import { isStateOld } from './old-state.ts';
import { openEmbeddedState, openUnsealedLog } from './stores.ts';
import { startWarehouseHost } from './warehouse-host.ts';

export interface StoppedSiteOptions {
  readonly directory: string;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const openStoppedSite = async (
  { directory: root, settings, clock, logger }: StoppedSiteOptions,
  openings: Openings,
): Promise<SiteStores> => {
  const found = readFacts(dataPathsOf(root).root);
  if (!found) throw new FreshetError('not_found', { what: `a data directory in ${root}` });
  refuseNewer(found, root);
  const directory = openings.add(openDataDirectory(root, found), (opened) => opened.release());
  if (isStateOld(directory)) {
    const problem = `Expected state of this version in ${root}, got older; start it once with \`freshet start --data ${root}\`.`;
    throw new FreshetError('bad_usage', { problem });
  }
  const { paths, facts } = directory;
  const log = openings.add(
    await openUnsealedLog({
      directory: paths.log,
      counts: facts,
      writableTopics: [],
      clock,
    }),
    (opened) => opened.close(),
  );
  const state = openings.add(
    await openEmbeddedState({ directory: paths.state, readOnly: true, clock, logger }),
    (opened) => opened.close(),
  );
  const artifactStore = openings.add(
    await openDirectoryArtifactStore({ directory: paths.artifacts, logger }),
    (opened) => opened.close(),
  );
  const host = openings.add(
    await startWarehouseHost({ directory: paths.warehouse, settings, clock, logger }),
    (opened) => opened.close(),
  );
  const keys = {
    sealing: openPersonKeys(paths),
    records: recordsOfKeys(readKeyFile(keyFileOf(paths)), epochMs(0)),
  };
  const stores = { counts: facts, log, keys, state, artifactStore };
  if (!host.connection) return stores;
  const warehouse = openings.add(
    new ClickHouseWarehouse({ connection: host.connection, database: settings.namespace }),
    (opened) => opened.close(),
  );
  await warehouse.migrate();
  return { ...stores, warehouse };
};
