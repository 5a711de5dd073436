/**
 * Data directories as earlier programs wrote them, opened by this one. What they hold was packed by
 * `make-directory.ts` when that format was the present one.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { loadConfiguration } from '../../runtime/configuration.ts';
import { DATA_FORMAT, dataPathsOf, readFacts } from '../../runtime/data-directory.ts';
import { openEmbeddedState } from '../../runtime/embedded/stores.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { NO_OFFSET, type StatePartition } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { openRemains } from '../faults/oracle.ts';
import { runCommand } from '../faults/program-calls.ts';
import { startServer } from '../faults/server-process.ts';
import { compareStateWithLog } from '../faults/state-oracle.ts';
import { freePort } from '../services/free-port.ts';
import { PRESENT, packedFingerprint, unpackDirectory } from './directories/packed.ts';
import { clockFrom } from './moved-clock.ts';
import { fingerprintOfState } from './state-fingerprint.ts';

const UNNUMBERED = 'format-1-state-0';
/** Its log is not sealed. */
const UNSEALED = 'format-1-state-1';
/** Their events were received long ago by now. */
const FLAGS = ['--empty', '--no-warehouse', '--log-retention-days', '36500'];
const RENEWED = 'state of an older format is made anew from the log';
const POLL_MS = 50;
const TEST_MS = 60_000;

let root: string;
let environment: Readonly<Record<string, string>>;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-older-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Also lets the programs' clock begin a while after the last of what the directory holds. */
const unpack = async (name: string): Promise<string> => {
  const data = unpackDirectory(name, root);
  const remains = await openRemains(data);
  const newest = Math.max(...remains.interactions.map(({ record }) => record.receivedAt));
  await remains.close();
  environment = clockFrom(newest + 60_000);
  return data;
};

/** Starts the program, lets it take everything in, and stops it; returns what it said. */
const startAndStop = async (data: string): Promise<string> => {
  const port = await freePort();
  const server = await startServer({ dataDirectory: data, port, flags: FLAGS, environment });
  let isOver = false;
  void server.ended.then(() => {
    isOver = true;
  });
  while (!isOver && !(await hasTakenAllIn(server.url))) await sleep(POLL_MS);
  await server.kill('SIGTERM');
  return server.output();
};

/** False also where nobody answers. */
const hasTakenAllIn = async (url: string): Promise<boolean> => {
  const answer = await fetch(`${url}/v1/system`).catch(() => undefined);
  const system = (await answer?.json()) as SystemAnswer | undefined;
  return system?.health.status === 'ready' && system.partitions.every(({ lag }) => lag === 0);
};

/** Gives every value a version that this program's codecs do not know. */
const spoilState = async (data: string): Promise<void> => {
  const directory = dataPathsOf(data).state;
  const store = await openEmbeddedState({
    directory,
    readOnly: false,
    clock: systemClock,
    logger: silentLogger,
  });
  for (const name of readdirSync(directory) as StatePartition[]) {
    const { epoch, coveredOffset, recordHash, logId } = await store.claim(name);
    const values = await store.scan(name, { prefix: '', limit: 10_000 });
    const changes = values.map(({ key, value }) => ({
      key,
      value: Uint8Array.from(value, (byte, at) => (at === 0 ? 250 : byte)),
    }));
    if (coveredOffset === NO_OFFSET || logId === null) continue;
    await store.apply(name, {
      epoch,
      expectedOffset: coveredOffset,
      coveredOffset,
      recordHash,
      logId,
      changes,
    });
  }
  await store.close();
};

describe('a data directory of an earlier program', () => {
  it(
    'has its state made anew from the log where the format is older, to the same bits',
    async () => {
      const data = await unpack(UNNUMBERED);
      await spoilState(data);
      const twin = join(root, 'twin');
      cpSync(data, twin, { recursive: true });
      expect(await startAndStop(data)).toContain(RENEWED);
      expect(readFacts(data)).toMatchObject({ format: DATA_FORMAT, stateFormat: STATE_FORMAT });
      expect(runCommand(['rebuild', '--data', twin], environment)).toMatchObject({ status: 0 });
      expect(await fingerprintOfState(data)).toEqual(await fingerprintOfState(twin));
      const remains = await openRemains(data);
      const { settings } = loadConfiguration({ environment: {}, flags: new Map() });
      expect(remains.interactions.length).toBeGreaterThan(150);
      expect(await compareStateWithLog(remains, settings)).toEqual([]);
      await remains.close();
      expect(await startAndStop(data)).not.toContain(RENEWED);
    },
    TEST_MS,
  );

  it(
    'would fail on such state, had nobody thrown it away',
    async () => {
      const data = await unpack(UNNUMBERED);
      await spoilState(data);
      const facts = join(data, 'freshet-data.json');
      writeFileSync(facts, JSON.stringify({ ...readFacts(data), stateFormat: STATE_FORMAT }));
      expect(await startAndStop(data)).toContain('Expected readable state');
    },
    TEST_MS,
  );

  it(
    `goes on where it is of state format ${STATE_FORMAT}, and rebuilds to the same bits`,
    async () => {
      const written = packedFingerprint(PRESENT);
      const data = await unpack(PRESENT);
      expect(await fingerprintOfState(data)).toEqual(written);
      expect(await startAndStop(data)).not.toContain(RENEWED);
      expect(await fingerprintOfState(data)).toEqual(written);
      expect(runCommand(['rebuild', '--data', data], environment)).toMatchObject({ status: 0 });
      expect(await fingerprintOfState(data)).toEqual(written);
    },
    TEST_MS,
  );

  it(
    'is given keys where its log is of before there were any, and goes on to the same bits',
    async () => {
      const data = await unpack(UNSEALED);
      expect(await fingerprintOfState(data)).toEqual(packedFingerprint(UNSEALED));
      const before = (await openRemains(data)).interactions.length;
      await startAndStop(data);
      expect(readFacts(data)).toMatchObject({ format: DATA_FORMAT });
      expect(readFacts(data)?.unsealedUntil).toBeGreaterThan(0);
      expect(await fingerprintOfState(data)).toEqual(packedFingerprint(UNSEALED));
      const remains = await openRemains(data);
      expect(remains.interactions).toHaveLength(before);
      await remains.close();
      expect(runCommand(['rebuild', '--data', data], environment)).toMatchObject({ status: 0 });
      expect(await fingerprintOfState(data)).toEqual(packedFingerprint(UNSEALED));
    },
    TEST_MS,
  );

  it(
    'is refused in one sentence, and left alone, where its state is newer',
    async () => {
      const data = await unpack(PRESENT);
      const facts = join(data, 'freshet-data.json');
      const newer = JSON.stringify({ ...readFacts(data), stateFormat: 99 });
      writeFileSync(facts, newer);
      for (const words of [['start', ...FLAGS], ['rebuild']]) {
        const { status, stderr } = runCommand([...words, '--data', data], environment);
        expect(status).toBe(1);
        expect(stderr.trim()).toBe(
          `Expected state of format ${STATE_FORMAT} or older, ${data} holds state of format 99; use a newer Freshet.`,
        );
      }
      expect(readFileSync(facts, 'utf8')).toBe(newer);
    },
    TEST_MS,
  );
});
