/** What is written into a framed file comes out again, in order; a file that lost its end is noticed. */
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type EpochMs, offset } from '../../../schemas/ids.ts';
import { integerBelow, seededRandom } from '../../../test/faults/seeded-random.ts';
import { type Frame, FramedFile, framesIn } from './framed-file.ts';

const SEED = 9;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-frames-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const framesOf = (count: number): readonly Frame[] => {
  const random = seededRandom(SEED);
  const bytes = (max: number): Uint8Array | null =>
    integerBelow(random, 5) === 0
      ? null
      : Buffer.from(
          Array.from({ length: integerBelow(random, max) }, () => integerBelow(random, 256)),
        );
  return Array.from({ length: count }, (_, at) => ({
    offset: offset(at * 3),
    timestamp: (1_760_000_000_000 + at) as EpochMs,
    key: bytes(20),
    value: at === 7 ? Buffer.alloc(900_000, at) : bytes(400),
  }));
};

const written = async (frames: readonly Frame[]): Promise<string> => {
  const path = join(root, 'below', 'some.frames.zst');
  const file = await FramedFile.create(path);
  for (const frame of frames) await file.write(frame);
  await file.end();
  return path;
};

const readAll = async (path: string): Promise<readonly Frame[]> => {
  const found: Frame[] = [];
  for await (const slice of framesIn(path)) found.push(...slice);
  return found;
};

it(`gives back every frame, seed ${SEED}`, async () => {
  const frames = framesOf(5_000);
  const path = await written(frames);
  expect((await readAll(path)).map(plain)).toEqual(frames.map(plain));
  expect(await readAll(await written([]))).toEqual([]);
});

it('throws where the file ends too early', async () => {
  const path = await written(framesOf(5_000));
  truncateSync(path, Math.floor(readFileSync(path).length / 2));
  await expect(readAll(path)).rejects.toThrow();
});

it('tells whoever waits when the disk cannot be written', async () => {
  const file = await FramedFile.create(join(root, 'gone', 'x'));
  rmSync(join(root, 'gone'), { recursive: true });
  const writing = async (): Promise<void> => {
    for (const frame of framesOf(200)) await file.write(frame);
    await file.end();
  };
  await expect(writing()).rejects.toThrow(/ENOENT/);
});

const plain = ({ offset: at, timestamp, key, value }: Frame) => ({
  at,
  timestamp,
  key: key && Buffer.from(key).toString('hex'),
  value: value && Buffer.from(value).toString('hex'),
});
