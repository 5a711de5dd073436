/**
 * A warehouse that hangs for minutes while the log fills up beyond its limit. The engine is stopped, and so
 * is each that the program starts in its place, until the log has let go of what was not copied.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import { engineOf, faultSetting } from './fault-setting.ts';
import { untilCopied } from './program-calls.ts';
import { launchProgram, type ServerProcess, systemOf } from './server-process.ts';

const TEST_MS = 420_000;
const EVENTS = 150_000;
const PEOPLE = 3_000;
const FLAGS = ['--log-bytes-max', '16777216', '--log-level', 'warn'];
const setting = faultSetting(36);

/** Stops every engine that there is, until told to let go; then the last one runs on. */
const hangEngines = (server: ServerProcess): (() => void) => {
  let stopped: number | undefined;
  const timer = setInterval(() => {
    const pid = engineOf(server);
    if (pid === undefined || pid === stopped) return;
    process.kill(pid, 'SIGSTOP');
    stopped = pid;
  }, 50);
  return () => {
    clearInterval(timer);
    const pid = engineOf(server);
    if (pid !== undefined) process.kill(pid, 'SIGCONT');
  };
};

const importEvents = async (count: number): Promise<void> => {
  const path = join(setting.root, 'events.csv');
  const rows = Array.from({ length: count }, (_, at) => {
    const day = new Date(1_700_000_000_000 + at * 60_000).toISOString();
    return `person-${(at * 7_919) % PEOPLE},item-${at % 900},${day}`;
  });
  writeFileSync(path, `user,item,date\n${rows.join('\n')}\n`);
  const importing = launchProgram(['import', path, '--data', setting.dataDirectory]);
  if ((await importing.ended) !== 0) throw new Error(importing.output());
};

/** At least so many: what the log let go of can be all signals and all rows of the warehouse, but no more of those. */
const removedUncopied = ({ counters, partitions }: SystemAnswer): number => {
  const signals = partitions.filter(({ statePartition }) =>
    statePartition.startsWith('item-signals'),
  );
  const others = signals.reduce((sum, { end }) => sum + end, counters.warehouse!.rows!);
  return counters.retention!.removedRecords! - others;
};

describe.skipIf(!embeddedClickHouseAvailable().available)('a warehouse that hangs', () => {
  it(
    '[F36] is waited for, then passed: the log stays near its limit, what was lost is said, nothing stops',
    async () => {
      const server = await setting.start({ flags: FLAGS });
      await setting.send(() => server.url, 100, 'before');
      await untilCopied(server);
      const letGo = hangEngines(server);
      await importEvents(EVENTS);
      const hasPassed = async (): Promise<boolean> => {
        const system = await systemOf(server);
        const isNearLimit = system.counters.retention!.liveBytes! < 16_777_216 * 1.3;
        return isNearLimit && removedUncopied(system) > 0;
      };
      await expect.poll(hasPassed, { timeout: 180_000 }).toBe(true);
      const during = await systemOf(server);
      expect(during.health).toMatchObject({ status: 'ready' });
      expect(during.sinks.some(({ lag }) => lag > 0)).toBe(true);
      await setting.send(() => server.url, 100, 'during');
      letGo();
      await untilCopied(server);
      const after = await systemOf(server);
      const lost = after.counters.warehouse!.lost!;
      expect(lost).toBeGreaterThan(0);
      expect(after.notices).toContain(
        `The log let go of ${lost} records before the warehouse had copied them.`,
      );
      const { received, accepted } = after.counters.interactions!;
      expect(received).toBe(EVENTS + 200);
      expect(accepted).toBe(EVENTS + 200);
      expect(after.counters.warehouse!.rows! + lost).toBeGreaterThanOrEqual(EVENTS + 200);
      expect(await server.kill('SIGTERM')).toBe(0);
      expect(await setting.logDifferences(['during'])).toEqual([]);
    },
    TEST_MS,
  );
});
