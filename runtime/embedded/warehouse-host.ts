/** The embedded warehouse as the instance sees it: running, or off with a reason. */

import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { EmbeddedClickHouse } from '../../storage/warehouse/embedded-clickhouse.ts';
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import type { WarehouseRole } from '../profile.ts';
import { randomSecret, systemRandom } from '../random.ts';
import type { Settings } from '../settings.ts';

export interface WarehouseHost extends WarehouseRole {
  /** Calls back whenever the directory was set aside and an empty warehouse runs in its place. */
  onSetUpAnew(listener: () => void): void;
  close(): Promise<void>;
}

export const startWarehouseHost = async (options: {
  readonly directory: string;
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
}): Promise<WarehouseHost> => {
  const { settings, directory, clock, logger } = options;
  if (!settings.warehouse) return off('The warehouse is turned off by the settings.');
  const { available, why } = embeddedClickHouseAvailable();
  if (!available) return off(why ?? 'The embedded ClickHouse is missing.');
  const listeners: (() => void)[] = [];
  try {
    const engine = await EmbeddedClickHouse.start({
      directory,
      database: settings.namespace,
      password: randomSecret(),
      clock,
      logger,
      random: systemRandom,
      threads: settings.warehouseThreads,
      memoryBytes: settings.warehouseMemoryBytes,
      onEvent: ({ kind }) => {
        if (kind === 'set-aside') for (const listener of listeners) listener();
      },
    });
    return {
      connection: engine.connection,
      problem: () => engine.status().problem ?? undefined,
      onSetUpAnew: (listener) => void listeners.push(listener),
      close: () => engine.close(),
    };
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    logger.error('The warehouse does not start; everything but training goes on', { error });
    return off(error.message);
  }
};

const off = (whyOff: string): WarehouseHost => ({
  whyOff,
  problem: () => whyOff,
  onSetUpAnew: () => {},
  close: async () => {},
});
