/**
 * The releases of a swap run, in a directory as the training would have left them: good ones that all
 * differ, and one of each sort of bad ones.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { ImplicitAls, readImplicitAls } from '../../algorithms/factors/implicit-als.ts';
import { type SyntheticRelease, syntheticRelease } from '../../bench/serving/synthetic-release.ts';
import { fileOfModel, ITEMS_FILE, type LearnedWeights } from '../../schemas/release.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';

const GOOD = 4;
const BAD_SEED = 9;
export const DIMENSIONS = 64;
const ALS = fileOfModel('als');

export interface SwapReleases {
  readonly good: readonly SyntheticRelease[];
  readonly bad: readonly string[];
}

/** Learned weights differ by release, as the models do. */
export const weightsOf = (seed: number): LearnedWeights => ({
  taste: { weight: 1 + seed / 10, epsilon: 0.002, mass: 0 },
  embedding: { weight: 0.8 - seed / 20, epsilon: 0.002, mass: 0 },
});

export const publishSwapReleases = async (
  directory: string,
  items: number,
): Promise<SwapReleases> => {
  const store = await openDirectoryArtifactStore({ directory, logger: silentLogger });
  const { good, bad } = makeSwapReleases(items);
  const damaged = goodOne('bad-checksum', { items, seed: BAD_SEED });
  for (const { manifest, files } of [...good, ...bad, damaged]) {
    await store.publish(manifest, files);
  }
  await flipBit(join(directory, damaged.manifest.version, `1-${ALS}`));
  await store.close();
  const versions = [...bad, damaged].map(({ manifest }) => manifest.version);
  return { good, bad: [...versions, 'bad-nowhere'] };
};

/** Good ones that all differ, and such as are stored soundly and must not be put to use. */
export const makeSwapReleases = (
  items: number,
): { readonly good: readonly SyntheticRelease[]; readonly bad: readonly SyntheticRelease[] } => ({
  good: Array.from({ length: GOOD }, (_, index) =>
    goodOne(`good-${index}`, { items, seed: index + 1 }),
  ),
  bad: spoiled(goodOne('bad', { items, seed: BAD_SEED })),
});

const goodOne = (
  version: string,
  { items, seed }: { readonly items: number; readonly seed: number },
): SyntheticRelease =>
  syntheticRelease({ version, items, dimensions: DIMENSIONS, seed, weights: weightsOf(seed) });

const spoiled = (whole: SyntheticRelease): readonly SyntheticRelease[] => {
  const variant = (
    name: string,
    file: string,
    change: (bytes: Uint8Array) => Uint8Array | undefined,
  ): SyntheticRelease => ({
    manifest: { ...whole.manifest, version: `bad-${name}` },
    files: whole.files.flatMap((own) => {
      const bytes = own.name === file ? change(own.bytes) : own.bytes;
      return bytes === undefined ? [] : [{ name: own.name, bytes }];
    }),
  });
  const factors = (change: (model: ImplicitAls) => ImplicitAls) => (bytes: Uint8Array) =>
    change(readImplicitAls(bytes)).serialise();
  return [
    variant(
      'nan',
      ALS,
      factors((model) => {
        const numbers = model.factors.slice();
        numbers[numbers.length - 1] = Number.NaN;
        return new ImplicitAls({ ...model, itemCount: model.itemCount, factors: numbers });
      }),
    ),
    variant('truncated', fileOfModel('item2vec'), (bytes) => bytes.slice(0, bytes.length - 4_096)),
    variant('missing-items', ITEMS_FILE, () => Buffer.from('["item-0","item-1"]')),
    variant('missing-model', ALS, () => undefined),
    variant(
      'dimension',
      ALS,
      factors(
        (model) =>
          new ImplicitAls({
            itemCount: model.itemCount,
            factors: model.factors,
            options: { ...model.options, dimensions: DIMENSIONS - 1 },
          }),
      ),
    ),
    variant('weights', fileOfModel('blend'), () =>
      Buffer.from('{"taste":{"weight":-1,"epsilon":0.002,"mass":0}}'),
    ),
  ];
};

const flipBit = async (path: string): Promise<void> => {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, 1_000);
  await file.write(Buffer.from([byte[0]! ^ 1]), 0, 1, 1_000);
  await file.close();
};
