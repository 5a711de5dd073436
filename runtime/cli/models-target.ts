/**
 * Who trains and promotes for a command: the server that runs on the data directory, or, where none
 * runs, this process with the directory to itself.
 */
import type { ModelsAnswer, TRAINABLE } from '../../schemas/api/models.ts';
import { MODEL_KINDS } from '../../schemas/release.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import { modelsAnswer } from '../../training/model-report.ts';
import { dataPathsOf, factsIn, openDataDirectory } from '../data-directory.ts';
import { openEmbeddedLog } from '../embedded/stores.ts';
import { startWarehouseHost } from '../embedded/warehouse-host.ts';
import { openPersonKeys } from '../person-keys.ts';
import { INGEST_TOPICS } from '../topic-plan.ts';
import { startTrainingHost } from '../training/training-host.ts';
import type { CommandContext } from './command.ts';
import { callServer, serverOf } from './server-address.ts';

export type Trainable = (typeof TRAINABLE)[number];

export interface ModelsTarget {
  models(): Promise<ModelsAnswer>;
  train(kind: Trainable): Promise<string>;
  cancel(): Promise<void>;
  promote(version: string): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
}

export const openModelsTarget = async (
  context: CommandContext,
  { needsWarehouse }: { readonly needsWarehouse: boolean },
): Promise<ModelsTarget> => {
  const url = await serverOf(context);
  return url === undefined ? openDirectoryTarget(context, needsWarehouse) : serverTarget(url);
};

const serverTarget = (url: string): ModelsTarget => {
  const call = <Answer>(method: string, path: string, body?: unknown): Promise<Answer> =>
    callServer(method, `${url}/v1/models${path}`, body);
  return {
    models: () => call<ModelsAnswer>('GET', ''),
    train: async (kind) => (await call<{ runId: string }>('POST', `/${kind}/train`)).runId,
    cancel: async () => void (await call('POST', '/all/cancel')),
    promote: async (version) => void (await call('POST', '/all/promote', { version })),
    rollback: async () => void (await call('POST', '/all/rollback')),
    close: async () => {},
  };
};

const openDirectoryTarget = async (
  { configuration: { settings }, clock, createLogger }: CommandContext,
  needsWarehouse: boolean,
): Promise<ModelsTarget> => {
  const logger = createLogger('models');
  factsIn(dataPathsOf(settings.dataDirectory).root);
  const directory = openDataDirectory(settings.dataDirectory, settings);
  const log = await openEmbeddedLog({
    directory: directory.paths.log,
    keys: openPersonKeys(directory.paths),
    counts: directory.facts,
    writableTopics: INGEST_TOPICS,
    clock,
  });
  const warehouse = await startWarehouseHost({
    directory: directory.paths.warehouse,
    settings: { ...settings, warehouse: settings.warehouse && needsWarehouse },
    clock,
    logger,
  });
  const artifactsDirectory = directory.paths.artifacts;
  const artifactStore = await openDirectoryArtifactStore({ directory: artifactsDirectory, logger });
  const { desk, stop } = await startTrainingHost({
    settings,
    log,
    artifactStore,
    artifactPlace: { kind: 'directory', directory: artifactsDirectory },
    userPartitions: directory.facts.userPartitions,
    warehouse,
    clock,
    logger,
  });
  return {
    models: async () => {
      const status = desk.status();
      // That this command opened no warehouse is no reason why there is no release.
      const whyOff = needsWarehouse ? status.whyOff : undefined;
      const facts = { clock, nextAt: undefined };
      return modelsAnswer({ ...status, whyOff }, await desk.releases(), facts);
    },
    train: async (kind) => desk.train(kind === 'all' ? MODEL_KINDS : [kind, 'blend']).runId,
    cancel: async () => void (await desk.cancel()),
    promote: async (version) => void (await desk.promote(version)),
    rollback: async () => void (await desk.rollback()),
    async close() {
      await stop();
      await artifactStore.close();
      await warehouse.close();
      await log.close();
      directory.release();
    },
  };
};
