/**
 * The embedded log over a disk that forgets what was not flushed, and over one whose flushes fail: the
 * shim under the process sees every write and flush, so nothing here rests on what LMDB promises.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { partitionIndex } from '../../schemas/ids.ts';
import { buildPowerLossShim, cutPower } from '../../test/faults/power-loss-shim.ts';
import { integerBelow, seededRandom } from '../../test/faults/seeded-random.ts';
import { CONTRACT_TOPICS } from './contract-topics.fixture.ts';
import { readAll } from './event-log.contract.ts';
import { openLmdbEventLog } from './lmdb-event-log.ts';

const SEED = 99;
const random = seededRandom(SEED);
const root = mkdtempSync(join(tmpdir(), 'freshet-shim-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const shim = buildPowerLossShim(root);
const skipped = 'missing' in shim ? ` (skipped: ${shim.missing})` : '';

/** Lines that the writer has written until it ended, or until it was killed after so many. */
const runWriter = async (
  args: readonly string[],
  { killAfter = Number.POSITIVE_INFINITY, environment = {}, onLine = () => {} }: RunOptions,
): Promise<readonly string[]> => {
  const script = join(import.meta.dirname, 'log-writer.fixture.ts');
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...('missing' in shim ? {} : shim.environment), ...environment },
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    onLine(lines.length);
    if (lines.length === killAfter) child.kill('SIGKILL');
  }
  return lines;
};

interface RunOptions {
  readonly killAfter?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (count: number) => void;
}

const namesIn = async (directory: string): Promise<ReadonlyMap<string, string>> => {
  const log = await openLmdbEventLog({
    directory,
    topics: CONTRACT_TOPICS,
    clock: { sleep: (duration) => sleepFor(duration) },
    random,
  });
  const names = new Map<string, string>();
  for (const partition of [0, 1, 2].map(partitionIndex)) {
    for (const { offset, value } of await readAll(log, 'contract-delete', partition)) {
      names.set(`${partition}:${offset}`, new TextDecoder().decode(value!).replace(/\.*$/, ''));
    }
  }
  await log.close();
  return names;
};

const missingFrom = (names: ReadonlyMap<string, string>, lines: readonly string[]): string[] =>
  lines.filter((line) => {
    const [partition, first, last, name] = line.split(' ');
    for (let at = Number(first); at <= Number(last); at += 1) {
      if (names.get(`${partition}:${at}`) !== `${name}/${at - Number(first)}`) return true;
    }
    return false;
  });

describe('LmdbEventLog over a disk that keeps only what was flushed', () => {
  it.skipIf(skipped !== '')(
    `[L5] three processes killed by power cuts lose nothing acknowledged, seed ${SEED}${skipped}`,
    async () => {
      const data = join(root, 'kept');
      mkdirSync(data);
      const acknowledged: string[] = [];
      for (let round = 0; round < 3; round += 1) {
        const killAfter = 200 + integerBelow(random, 400);
        acknowledged.push(...(await runWriter([join(data, 'log'), `run${round}`], { killAfter })));
        cutPower(data, random);
        expect(missingFrom(await namesIn(join(data, 'log')), acknowledged)).toEqual([]);
      }
      expect(acknowledged.length).toBeGreaterThan(10);
      // So much that zeros were written ahead, and the power was cut with them in the file.
      const { size } = statSync(join(data, 'log', 'contract-delete', 'data.mdb'));
      expect(size).toBeGreaterThan(1_048_576);
    },
  );

  it.skipIf(skipped !== '')(
    `[tooth] without the wait for the flush they lose what was acknowledged${skipped}`,
    async () => {
      let missing = 0;
      for (let round = 0; round < 5 && missing === 0; round += 1) {
        const data = join(root, `lost-${round}`);
        mkdirSync(data);
        const args = [join(data, 'log'), 'run', 'hasty'];
        const lines = await runWriter(args, { killAfter: 1 + integerBelow(random, 40) });
        cutPower(data, random);
        missing += missingFrom(await namesIn(join(data, 'log')), lines).length;
      }
      expect(missing).toBeGreaterThan(0);
    },
  );

  it.skipIf(skipped !== '')(
    `a failed flush ends writing for good, and what was acknowledged before is there${skipped}`,
    async () => {
      const data = join(root, 'failing');
      mkdirSync(data);
      const failing = join(root, 'flushes-fail');
      const lines = await runWriter([join(data, 'log'), 'run'], {
        environment: { POWER_LOSS_FAIL_FLUSH: failing },
        onLine: (count) => {
          if (count === 30) writeFileSync(failing, '');
        },
      });
      const failures = lines.filter((line) => line.startsWith('failed'));
      expect(new Set(failures)).toEqual(new Set(['failed storage_failed, then storage_failed']));
      cutPower(data, random);
      const acknowledged = lines.filter((line) => !line.startsWith('failed'));
      expect(missingFrom(await namesIn(join(data, 'log')), acknowledged)).toEqual([]);
    },
  );
});
