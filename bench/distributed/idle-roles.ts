/**
 * What a process of each role costs while nobody asks for anything, and what its servers cost with all
 * of them waiting: processor time over a minute, and memory. Small intervals add up where a site has
 * many processes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ROLES } from '../../runtime/settings.ts';
import { type InstanceProcess, postCatalogue } from '../instance-process.ts';
import { runIngestLoad } from '../machine-base.ts';
import type { Benchmark, BenchResult, BenchSize, Figure } from '../result.ts';
import { type BenchSite, onBenchSite } from './bench-site.ts';

const COUNTS = { userPartitions: 4, itemPartitions: 4 };
const NAMESPACE = 'idle';
const SECONDS = { full: 60, small: 15 };
const SETTLING_MS = 15_000;
const PERCENT_MAX = 3;
const MIB = 1024 * 1024;
/** So that there is something to keep: a catalogue, people, their state. */
const LOAD = {
  rate: 20,
  batch: 50,
  seconds: 4,
  connections: 4,
  items: 2_000,
  users: 5_000,
  seed: 1,
};

export const idleRoles: Benchmark = {
  id: 'idle-distributed',
  title: 'Processor time of a process of each role, nobody asking for anything',
  run: (size) => onBenchSite(COUNTS, (site) => measureIdle(site, size)),
};

const measureIdle = async (site: BenchSite, size: BenchSize): Promise<BenchResult> => {
  await site.prepare(NAMESPACE);
  const started = await Promise.all(
    ROLES.map(async (role) => ({
      role,
      process: await site.startProcess({ namespace: NAMESPACE, roles: role }),
    })),
  );
  const of = (wanted: string): InstanceProcess =>
    started.find(({ role }) => role === wanted)!.process;
  await postCatalogue(of('ingest'), LOAD.items);
  await runIngestLoad({ ...LOAD, port: of('ingest').port });
  await of('serving').caughtUp();
  await sleep(SETTLING_MS);
  const before = started.map(({ process }) => process.use()!);
  await sleep(SECONDS[size] * 1_000);
  const after = started.map(({ process }) => process.use()!);
  return {
    id: 'idle-distributed',
    title: idleRoles.title,
    figures: started.flatMap(({ role }, at): Figure[] => [
      {
        name: `${role}: of one core`,
        value: (after[at]!.cpuMs - before[at]!.cpuMs) / (10 * SECONDS[size]),
        unit: '%',
        reach: { atMost: PERCENT_MAX },
      },
      { name: `${role}: resident`, value: after[at]!.residentBytes / MIB, unit: 'MiB' },
    ]),
    notes: [
      `user and system time of each process over ${SECONDS[size]} s, ${SETTLING_MS / 1_000} s after its last work; 4 + 4 partitions, ${LOAD.items} items, ${LOAD.users} people. No training, no open page.`,
    ],
  };
};
