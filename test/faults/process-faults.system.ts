/**
 * Faults that only the whole program can show: a disk that no longer flushes, a warehouse that dies,
 * hangs or lost its files, a stop in the middle of the work.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { embeddedClickHouseAvailable } from '../../storage/warehouse/engine-library.ts';
import { engineOf, faultSetting } from './fault-setting.ts';
import { buildPowerLossShim } from './power-loss-shim.ts';
import { untilCopied } from './program-calls.ts';

const TEST_MS = 120_000;
const { available } = embeddedClickHouseAvailable();
const setting = faultSetting(23);

describe('the disk', () => {
  const shim = buildPowerLossShim(mkdtempSync(join(tmpdir(), 'freshet-shim-')));
  it.skipIf('missing' in shim)(
    '[F21] that fails to flush ends the program, which keeps what it acknowledged',
    async () => {
      const failing = join(setting.root, 'flushes-fail');
      const environment = 'missing' in shim ? {} : shim.environment;
      const server = await setting.start({
        environment: { ...environment, POWER_LOSS_FAIL_FLUSH: failing },
      });
      await setting.send(() => server.url, 200);
      writeFileSync(failing, '');
      const url = `${server.url}/v1/events`;
      const body = JSON.stringify({ userId: 'ada', itemId: 'x', kind: 'click' });
      const answer = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).then(({ status }) => status, String);
      expect(answer).not.toBe(200);
      expect(await server.ended).toBe(1);
      expect(server.output()).toContain('Freshet has to stop');
      rmSync(failing);
      const again = await setting.start();
      await untilCopied(again);
      expect(await again.kill('SIGTERM')).toBe(0);
      expect(await setting.differences()).toEqual([]);
    },
    TEST_MS,
  );
});

describe.skipIf(!available)('the warehouse', () => {
  for (const [signal, what] of [
    ['SIGKILL', 'dies'],
    ['SIGSTOP', 'hangs'],
  ] as const) {
    it(
      `[F23] that ${what} is started again, and misses nothing`,
      async () => {
        const server = await setting.start();
        await setting.send(() => server.url, 100, 'before');
        process.kill(engineOf(server)!, signal);
        await setting.send(() => server.url, 300, 'during');
        await untilCopied(server);
        expect(await server.kill('SIGTERM')).toBe(0);
        expect(await setting.differences(['before', 'during'])).toEqual([]);
      },
      TEST_MS,
    );
  }

  const spoil = (directory: string): void => {
    for (const name of readdirSync(join(directory, 'metadata'))) {
      if (name.endsWith('.sql')) writeFileSync(join(directory, 'metadata', name), 'not SQL');
    }
  };
  const setAside = (): readonly string[] =>
    readdirSync(setting.dataDirectory).filter((name) => name.includes('.damaged-'));

  it(
    '[F23] whose directory is spoilt while it runs is made again at once, though nothing new comes',
    async () => {
      const server = await setting.start();
      await setting.send(() => server.url, 300);
      await untilCopied(server);
      spoil(join(setting.dataDirectory, 'warehouse'));
      process.kill(engineOf(server)!, 'SIGKILL');
      await expect
        .poll(() => server.output(), { timeout: 60_000 })
        .toContain('the warehouse was damaged and is set up anew');
      expect(setAside()).toHaveLength(1);
      await untilCopied(server);
      expect(await server.kill('SIGTERM')).toBe(0);
      expect(await setting.differences()).toEqual([]);
    },
    TEST_MS,
  );

  it(
    '[F23] whose directory no longer opens is made again from the log',
    async () => {
      const server = await setting.start();
      await setting.send(() => server.url, 300);
      await untilCopied(server);
      expect(await server.kill('SIGTERM')).toBe(0);
      spoil(join(setting.dataDirectory, 'warehouse'));
      const again = await setting.start();
      await untilCopied(again);
      expect(await again.kill('SIGTERM')).toBe(0);
      expect(setAside()).toHaveLength(1);
      expect(await setting.differences()).toEqual([]);
    },
    TEST_MS,
  );
});

describe('a stop', () => {
  it(
    '[F30] in the middle of the work is tidy: what was acknowledged is there, the rest is sent again',
    async () => {
      const first = await setting.start();
      let url = first.url;
      const sending = setting.send(() => url, 3_000);
      await sleep(150);
      expect(await first.kill('SIGTERM')).toBe(0);
      expect(first.output()).toContain('Stopped.');
      const second = await setting.start();
      url = second.url;
      await sending;
      await untilCopied(second);
      expect(await second.kill('SIGTERM')).toBe(0);
      expect(await setting.differences()).toEqual([]);
    },
    TEST_MS,
  );
});
