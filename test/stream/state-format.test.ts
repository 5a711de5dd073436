/** The state that this program makes of a committed log, held against the state of the day it was packed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { loadConfiguration } from '../../runtime/configuration.ts';
import { dataPathsOf, readFacts } from '../../runtime/data-directory.ts';
import { openEmbeddedLog, openEmbeddedState } from '../../runtime/embedded/stores.ts';
import { streamOptionsOf } from '../../runtime/option-mapping.ts';
import { providePersonKeys } from '../../runtime/person-keys.ts';
import { allPartitionsOf, STREAM_TOPICS } from '../../runtime/topic-plan.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { STATE_FORMAT } from '../../schemas/state/state-format.ts';
import { createInProcessLiveBus } from '../../storage/live-bus/in-process-live-bus.ts';
import { rebuildState } from '../../stream/rebuild.ts';
import { PRESENT, packedFingerprint, unpackDirectory } from '../programs/directories/packed.ts';
import { fingerprintOfState } from '../programs/state-fingerprint.ts';

const rebuild = async (data: string): Promise<void> => {
  const { settings } = loadConfiguration({ environment: {}, flags: new Map() });
  const paths = dataPathsOf(data);
  const facts = readFacts(data)!;
  const eventLog = await openEmbeddedLog({
    directory: paths.log,
    keys: providePersonKeys(paths),
    counts: facts,
    writableTopics: STREAM_TOPICS,
    clock: systemClock,
  });
  const stateStore = await openEmbeddedState({
    directory: paths.state,
    readOnly: false,
    clock: systemClock,
    logger: silentLogger,
  });
  const liveBus = createInProcessLiveBus({ name: 'state-format' });
  await rebuildState({
    eventLog,
    stateStore,
    liveBus,
    clock: systemClock,
    logger: silentLogger,
    crashPoint: () => {},
    options: streamOptionsOf(settings, facts),
    kinds: kindTable(DEFAULT_KINDS),
    partitions: allPartitionsOf(facts),
  });
  await Promise.all([liveBus.close(), stateStore.close(), eventLog.close()]);
};

it(`[I3] the same log makes the same bits of state, or STATE_FORMAT has risen above ${STATE_FORMAT}`, async () => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-state-format-'));
  try {
    const data = unpackDirectory(PRESENT, root);
    await rebuild(data);
    expect(await fingerprintOfState(data)).toEqual(packedFingerprint(PRESENT));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
