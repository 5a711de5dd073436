/** A process that owns an embedded engine, to be killed once it says that it is ready. */
import { setTimeout as sleepFor } from 'node:timers/promises';
import { epochMs } from '../../schemas/ids.ts';
import { EmbeddedClickHouse } from './embedded-clickhouse.ts';
import { testEngineOptions, warehouseOn } from './embedded-engine.fixture.ts';

const clock = {
  now: () => epochMs(0),
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  sleep: (ms: number, signal?: AbortSignal) => sleepFor(ms, undefined, signal ? { signal } : {}),
};

const engine = await EmbeddedClickHouse.start(testEngineOptions(process.argv[2]!, clock));
const warehouse = warehouseOn(engine);
await warehouse.migrate();
process.send?.('ready');
