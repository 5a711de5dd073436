/** A disk that is full, and files that no longer hold what was written, on the whole program. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorBody } from '../../schemas/api/errors.ts';
import { faultSetting } from './fault-setting.ts';
import { untilCopied } from './program-calls.ts';
import type { ServerProcess } from './server-process.ts';
import { systemOf } from './server-process.ts';

const TEST_MS = 120_000;
const MIB = 1_048_576;
const setting = faultSetting(20);

const post = ({ url }: ServerProcess, eventId: string): Promise<Response> =>
  fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ source: 'x', eventId, userId: 'ada', itemId: 'item-1', kind: 'click' }),
  });

/** Writes until nothing more fits. */
const fillUp = (path: string): void => {
  for (const size of [MIB, 65_536, 4_096]) {
    for (;;) {
      try {
        writeFileSync(path, Buffer.alloc(size), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
};

describe('a full disk', () => {
  let mounted: string | undefined;
  afterEach(() => {
    if (mounted) execFileSync('umount', ['-l', mounted]);
    mounted = undefined;
  });

  const mountSmallDisk = (path: string, bytes: number): boolean => {
    mkdirSync(path);
    try {
      const words = ['-t', 'tmpfs', '-o', `size=${bytes}`, 'freshet-test', path];
      execFileSync('mount', words, { stdio: 'ignore' });
    } catch {
      return false;
    }
    mounted = path;
    return true;
  };

  it(
    '[F20] is answered 507 and harms nothing; lists go on, and events are taken again once there is room',
    async ({ skip }) => {
      if (!mountSmallDisk(setting.dataDirectory, 200 * MIB)) {
        return skip('no file system could be mounted here');
      }
      const server = await setting.start();
      await setting.send(() => server.url, 300, 'before');
      await untilCopied(server);
      const ballast = join(setting.dataDirectory, 'ballast');
      fillUp(ballast);
      const sending = setting.send(() => server.url, 3_000, 'during');
      let refusal: Response;
      let number = 0;
      do {
        number += 1;
        refusal = await post(server, `probe-${number}`);
      } while (refusal.status === 200);
      expect(refusal.status).toBe(507);
      const { error } = (await refusal.json()) as ErrorBody;
      expect(error).toEqual({
        code: 'disk_full',
        message: 'Expected room on the disk, got none.',
        requestId: expect.any(String),
      });
      const list = await fetch(`${server.url}/v1/lists/popular`);
      expect(((await list.json()) as { items: unknown[] }).items).toBeDefined();
      expect(list.status).toBe(200);
      expect((await fetch(`${server.url}/v1/users/user-0-1/history`)).status).toBe(200);
      rmSync(ballast);
      await sending;
      await untilCopied(server);
      expect((await post(server, 'afterwards')).status).toBe(200);
      expect((await systemOf(server)).health).toMatchObject({ status: 'ready', reasons: [] });
      await untilCopied(server);
      expect(await server.kill('SIGTERM')).toBe(0);
      expect(await setting.differences(['before', 'during'])).toEqual([]);
      expect(await setting.stateDifferences()).toEqual([]);
    },
    TEST_MS,
  );
});

describe('a flipped bit', () => {
  /** In every copy of the text that the file holds. */
  const flipAt = (file: string, text: string): number => {
    const bytes = readFileSync(file);
    let count = 0;
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) {
      bytes[at] = bytes[at]! ^ 1;
      count += 1;
    }
    writeFileSync(file, bytes);
    return count;
  };

  it(
    '[F22] in the state is found, said, and mended by the next start from the log',
    async () => {
      const server = await setting.start({ flags: ['--no-warehouse'] });
      await setting.send(() => server.url, 500);
      await untilCopied(server);
      expect(await server.kill('SIGTERM')).toBe(0);
      const state = join(setting.dataDirectory, 'state');
      const files = readdirSync(state)
        .filter((name) => name.startsWith('interactions.'))
        .map((name) => join(state, name, 'data.mdb'));
      // The text is in the values: as an id of the histories' events.
      expect(files.map((file) => flipAt(file, 'fault-1')).every((count) => count > 0)).toBe(true);
      const again = await setting.start({ flags: ['--no-warehouse'] });
      const person = `${again.url}/v1/users/user-0-0`;
      const history = await fetch(`${person}/history`);
      expect(history.status).toBe(500);
      expect(((await history.json()) as ErrorBody).error.code).toBe('state_corrupt');
      expect((await fetch(`${again.url}/v1/lists/popular`)).status).toBe(200);
      // Events are for the log to keep, which is whole.
      await setting.send(() => again.url, 400, 'late');
      await expect
        .poll(async () => (await fetch(`${again.url}/health/ready`)).status, { timeout: 10_000 })
        .toBe(503);
      const { health } = await systemOf(again);
      expect(health.reasons.join()).toMatch(/interactions.\d has stopped: .*a wrong checksum at/);
      expect(await again.kill('SIGTERM')).toBe(0);

      const mended = await setting.start({ flags: ['--no-warehouse'] });
      await untilCopied(mended);
      expect((await fetch(`${mended.url}/v1/users/user-0-0/history`)).status).toBe(200);
      expect(await mended.kill('SIGTERM')).toBe(0);
      const aside = readdirSync(state).filter((name) =>
        existsSync(join(state, name, 'data.mdb.damaged')),
      );
      expect(aside.length).toBeGreaterThan(0);
      expect(await setting.stateDifferences()).toEqual([]);
      expect(await setting.logDifferences(['fault', 'late'])).toEqual([]);
    },
    TEST_MS,
  );
});
