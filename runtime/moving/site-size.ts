/** How much a site is. */
import { partitionIndex } from '../../schemas/ids.ts';
import { WAREHOUSE_TABLES } from '../../schemas/tables.ts';
import { EMBEDDED_TOPICS } from '../topic-plan.ts';
import type { SiteStores } from './stores-source.ts';

export interface SiteSize {
  readonly records: number;
  readonly logBytes: number;
  readonly stateBytes: number;
  readonly releases: number;
  readonly releaseBytes: number;
  readonly rows: number;
}

export const sizeOfSite = async (stores: SiteStores): Promise<SiteSize> => {
  const { log, state, artifactStore, warehouse } = stores;
  let records = 0;
  let logBytes = 0;
  for (const { name } of EMBEDDED_TOPICS) {
    const { partitionCount } = await log.topic(name);
    for (let index = 0; index < partitionCount; index += 1) {
      const { low, end } = await log.watermarks(name, partitionIndex(index));
      records += end - low;
    }
    logBytes += await log.sizeBytes(name);
  }
  const manifests = await artifactStore.list();
  const files = manifests.flatMap((manifest) => manifest.files);
  return {
    records,
    logBytes,
    stateBytes: await state.sizeBytes(),
    releases: manifests.length,
    releaseBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    rows: warehouse ? await rowsIn(warehouse) : 0,
  };
};

const rowsIn = async (warehouse: NonNullable<SiteStores['warehouse']>): Promise<number> => {
  let rows = 0;
  for (const { name } of Object.values(WAREHOUSE_TABLES)) {
    const sql = `SELECT count() AS rows FROM ${name} FINAL`;
    const [row] = await warehouse.query({ name: `count ${name}`, sql });
    rows += Number(row?.rows ?? 0);
  }
  return rows;
};
