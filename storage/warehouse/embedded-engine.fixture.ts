/** An embedded engine in a directory of its own that goes with it; tests share one a file. */
import { EventEmitter, once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../schemas/environment.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import type { ClickHouseConnection } from '../clickhouse/clickhouse-connection.ts';
import { ClickHouseWarehouse } from './clickhouse-warehouse.ts';
import { CONTRACT_TABLES } from './contract-tables.fixture.ts';
import {
  EmbeddedClickHouse,
  type EmbeddedClickHouseOptions,
  type EngineEvent,
} from './embedded-clickhouse.ts';

export interface TestEngine {
  readonly engine: EmbeddedClickHouse;
  readonly directory: string;
  /** What the supervisor reported, oldest first. */
  readonly events: readonly EngineEvent[];
  /** Resolves with the next event of a kind that is reported from now on. */
  next(kind: EngineEvent['kind']): Promise<EngineEvent>;
  /** A new adapter on it. */
  warehouse(): ClickHouseWarehouse;
  remove(): Promise<void>;
}

const DATABASE = 'freshet_test';

/** Spreads the ports of engines that start at the same time in several processes. */
const spread = (): (() => number) => {
  let drawn = process.pid * 7919;
  return () => {
    drawn += 1;
    return (drawn * 0.6180339887498949) % 1;
  };
};

export const testEngineOptions = (
  directory: string,
  clock: Clock,
  onEvent: (event: EngineEvent) => void = () => {},
): EmbeddedClickHouseOptions => ({
  directory,
  database: DATABASE,
  password: 'of-this-test-alone',
  clock,
  logger: silentLogger,
  random: spread(),
  onEvent,
});

export const startTestEngine = async (
  clock: Clock,
  more: Partial<EmbeddedClickHouseOptions> = {},
): Promise<TestEngine> => {
  const root = await mkdtemp(join(tmpdir(), 'freshet-warehouse-'));
  const directory = join(root, 'warehouse');
  const events: EngineEvent[] = [];
  const reported = new EventEmitter();
  const options = testEngineOptions(directory, clock, (event) => {
    events.push(event);
    reported.emit(event.kind, event);
  });
  const engine = await EmbeddedClickHouse.start({ ...options, ...more });
  return {
    engine,
    directory,
    events,
    next: async (kind) => (await once(reported, kind))[0] as EngineEvent,
    warehouse: () => warehouseOn(engine),
    remove: async () => {
      await engine.close();
      await rm(root, { recursive: true, force: true });
    },
  };
};

export const warehouseOn = (engine: EmbeddedClickHouse): ClickHouseWarehouse =>
  warehouseAt(engine.connection);

export const warehouseAt = (connection: ClickHouseConnection): ClickHouseWarehouse =>
  new ClickHouseWarehouse({ connection, database: DATABASE, tables: CONTRACT_TABLES });
