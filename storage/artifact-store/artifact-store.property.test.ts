/**
 * Random histories of the directory store and the memory store, side by side; among the commands are
 * crashes at every step of a publish and of a prune, after which the store is opened again.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isFreshetError } from '../../schemas/errors.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { file, release } from './artifact-store.contract.ts';
import type { ArtifactFile, ArtifactStore } from './artifact-store.ts';
import { ARTIFACT_CRASH_POINTS } from './crash-points.ts';
import { openDirectoryArtifactStore } from './directory-artifact-store.ts';
import { MemoryArtifactStore } from './memory-artifact-store.ts';

class Crash extends Error {}

const crashedAt = new Set<string>();

/** The directory store, with a crash that can be ordered for a coming step. */
class Subject {
  store!: ArtifactStore;
  readonly directory: string;
  stepsUntilCrash = Number.POSITIVE_INFINITY;

  constructor(directory: string) {
    this.directory = directory;
  }

  async open(): Promise<void> {
    this.stepsUntilCrash = Number.POSITIVE_INFINITY;
    this.store = await openDirectoryArtifactStore({
      directory: this.directory,
      logger: silentLogger,
      crashPoint: (name) => {
        this.stepsUntilCrash -= 1;
        if (this.stepsUntilCrash !== 0) return;
        crashedAt.add(name);
        throw new Crash();
      },
    });
  }
}

type Step = (model: MemoryArtifactStore, subject: Subject) => Promise<void>;

const outcome = async (run: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await run();
  } catch (error) {
    if (isFreshetError(error)) return { refused: error.code };
    throw error;
  }
};

const same = async (
  model: MemoryArtifactStore,
  subject: Subject,
  ask: (store: ArtifactStore) => Promise<unknown>,
): Promise<void> => {
  const expected = fc.stringify(await outcome(() => ask(model)));
  const found = fc.stringify(await outcome(() => ask(subject.store)));
  if (expected !== found) throw new Error(`Expected ${expected}, got ${found}`);
};

const allOf = async (store: ArtifactStore): Promise<unknown> => {
  const manifests = await store.list();
  return Promise.all(
    manifests.map(async ({ version }) => {
      const { manifest, files } = await store.read(version);
      return { manifest, files: [...files].map(([name, bytes]) => [name, [...bytes]]) };
    }),
  );
};

const crashing = async (subject: Subject, steps: number, run: () => Promise<unknown>) => {
  subject.stepsUntilCrash = steps;
  try {
    await outcome(run);
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
  await subject.open();
};

const version = fc.constantFrom('1', '2', '3', '4');
const files: fc.Arbitrary<readonly ArtifactFile[]> = fc
  .array(fc.string({ maxLength: 20 }), { maxLength: 3 })
  .map((texts) => texts.map((text, index) => file(`file-${index}`, text)));

const publishing =
  (name: string, parts: readonly ArtifactFile[]): Step =>
  (model, subject) =>
    same(model, subject, (store) => store.publish(release(name, { parts: parts.length }), parts));

const publishStep = fc.tuple(version, files).map(([name, parts]) => publishing(name, parts));

const pruneStep = fc.tuple(fc.nat(3), fc.option(version), fc.subarray(['1', '3'])).map(
  ([keep, inUse, unclaimed]): Step =>
    (model, subject) =>
      same(model, subject, (store) => store.prune({ keep, inUse, unclaimed })),
);

/** After the crash the release is there whole, as the model would have it, or not at all. */
const crashingPublish =
  (name: string, parts: readonly ArtifactFile[], steps: number): Step =>
  async (model, subject) => {
    const manifest = release(name, { parts: parts.length });
    const before = await subject.store.list();
    await crashing(subject, steps, () => subject.store.publish(manifest, parts));
    const isThere = (await subject.store.list()).some((found) => found.version === name);
    if (isThere && !before.some((found) => found.version === name)) {
      await model.publish(manifest, parts);
    }
  };

const crashInPublish = fc
  .tuple(version, files, fc.integer({ min: 1, max: 6 }))
  .map(([name, parts, steps]) => crashingPublish(name, parts, steps));

/** What was pruned before the crash is gone for good; pruning again finishes it. */
const crashingPrune =
  (keep: number, inUse: string | null, steps: number): Step =>
  async (model, subject) => {
    await crashing(subject, steps, () => subject.store.prune({ keep, inUse }));
    await model.prune({ keep, inUse });
    await subject.store.prune({ keep, inUse });
  };

const crashInPrune = fc
  .tuple(fc.nat(3), fc.option(version), fc.integer({ min: 1, max: 3 }))
  .map(([keep, inUse, steps]) => crashingPrune(keep, inUse, steps));

/** Chance may leave a step out: this history passes every one. */
const everyStep: readonly Step[] = [
  ...[1, 2, 3, 4, 5, 6].map((steps) => crashingPublish('1', [file('file-0', 'one')], steps)),
  publishing('1', []),
  ...[1, 2, 3].flatMap((steps) => [
    publishing('2', []),
    crashingPrune(1, null, steps),
    publishing('1', []),
  ]),
];

it('[A1] [A4] any history, with crashes at any step, leaves what the model holds', async () => {
  const step = fc.oneof(publishStep, publishStep, crashInPublish, pruneStep, crashInPrune);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const directory = await mkdtemp(join(tmpdir(), 'freshet-artifacts-'));
      const model = new MemoryArtifactStore();
      const subject = new Subject(directory);
      try {
        await subject.open();
        for (const take of steps) {
          await take(model, subject);
          await same(model, subject, allOf);
        }
      } finally {
        await rm(directory, { recursive: true });
      }
    }),
    { numRuns: 60, examples: [[[...everyStep]]] },
  );
  expect([...crashedAt].sort()).toEqual([...ARTIFACT_CRASH_POINTS].sort());
});
