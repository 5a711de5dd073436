/**
 * The server whose releases are swapped: serving over an embedded log and state with the synthetic
 * world in them, releases from the directory that it is given. It prints its port; told over the
 * channel to promote a version, it writes the promotion into the control log and answers once lists go
 * by it or it was refused.
 */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { endWithParent, openSyntheticServing } from '../../bench/serving/synthetic-serving.ts';
import { systemClock } from '../../runtime/clock.ts';
import { letHeapGrow } from '../../runtime/heap-growth.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { openDirectoryArtifactStore } from '../../storage/artifact-store/directory-artifact-store.ts';
import { promote } from '../serving/promotion.ts';
import type { Promoted, SwapServerFacts, ThreadFacts } from './swap-messages.ts';

const { values } = parseArgs({
  options: {
    artifacts: { type: 'string', default: '' },
    items: { type: 'string', default: '5000' },
    people: { type: 'string', default: '5000' },
  },
});
/** Asking how things stand is work for the thread that answers. */
const LOOK_AGAIN_MS = 20 as DurationMs;

// As the program does.
letHeapGrow();
const { eventLog, serving, listen } = await openSyntheticServing({
  items: Number(values.items),
  people: Number(values.people),
  neighbours: 32,
  // Refused releases are what this is about: they are counted, not printed.
  logger: silentLogger,
  openStore: () =>
    openDirectoryArtifactStore({ directory: values.artifacts, logger: silentLogger }),
});
await serving.start();
const facts: SwapServerFacts = { port: await listen() };

const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
let busySince = performance.eventLoopUtilization();

const threadFacts = (): ThreadFacts => {
  const busy = performance.eventLoopUtilization(busySince).utilization;
  const facts = { delayP99Ms: delays.percentile(99) / 1e6, delayMaxMs: delays.max / 1e6, busy };
  delays.reset();
  busySince = performance.eventLoopUtilization();
  return facts;
};

/** Settled as soon as it is in use, or refused. */
const promoted = async (version: string): Promise<Promoted> => {
  const before = serving.status().release!;
  await promote(eventLog, version, { formerVersion: before.version, at: systemClock.now() });
  for (;;) {
    const {
      version: inUse,
      refusedCount,
      refused,
      loadMs,
      memoryBytes,
    } = serving.status().release!;
    if (inUse === version) return { isInUse: true, inUse, reason: null, loadMs, memoryBytes };
    if (refusedCount > before.refusedCount) {
      const reason = refused.at(-1)!.reason;
      return { isInUse: false, inUse, reason, loadMs, memoryBytes };
    }
    await systemClock.sleep(LOOK_AGAIN_MS);
  }
};

process.on('message', (message: { readonly promote?: string; readonly thread?: true }) => {
  if (message.promote !== undefined) {
    void promoted(message.promote).then((answer) => process.send?.(answer));
    return;
  }
  process.send?.(threadFacts());
});
endWithParent();
console.log(JSON.stringify(facts));
