/**
 * What a test of a fault on the real program needs: a data directory, the program on it, a driver with its
 * ledger, and the oracle. Each test gets one of its own, and what it started ends with it.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { loadConfiguration } from '../../runtime/configuration.ts';
import { freePort } from '../services/free-port.ts';
import { driveIntoLedger } from './driver.ts';
import { readLedger } from './ledger.ts';
import { compareLedgerWithLog, openRemains } from './oracle.ts';
import { seededRandom } from './seeded-random.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { compareStateWithLog } from './state-oracle.ts';
import { compareWarehouseWithLog } from './warehouse-oracle.ts';

export class FaultSetting {
  readonly #seed: number;
  root = '';
  dataDirectory = '';
  #running: ServerProcess | undefined;

  constructor(seed: number) {
    this.#seed = seed;
  }

  begin(): void {
    this.root = mkdtempSync(join(tmpdir(), 'freshet-faults-'));
    this.dataDirectory = join(this.root, 'data');
  }

  async end(): Promise<void> {
    const server = this.#running;
    this.#running = undefined;
    // One that was stopped would not notice that its parent is gone.
    const engine = server && isRunning(server) ? engineOf(server) : undefined;
    await server?.kill('SIGKILL');
    if (engine !== undefined) process.kill(engine, 'SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }

  async start(
    given: {
      readonly environment?: Readonly<Record<string, string>>;
      readonly flags?: readonly string[];
    } = {},
  ): Promise<ServerProcess> {
    const flags = ['--empty', '--log-level', 'error', ...ROOMY_FLAGS, ...(given.flags ?? [])];
    const { dataDirectory } = this;
    const { environment = {} } = given;
    const port = await freePort();
    this.#running = await startServer({ dataDirectory, port, flags, environment });
    return this.#running;
  }

  /** Sends events until each is answered for good; what is not is sent again. */
  async send(server: () => string, events: number, name = 'fault'): Promise<void> {
    await driveIntoLedger(join(this.root, `${name}.ledger`), {
      random: seededRandom(this.#seed),
      runName: name,
      events,
      eventsPerCohort: 6_000,
      usersPerCohort: 150,
      items: 50,
      concurrency: 4,
      batchEventsMax: 20,
      url: server,
      nowMs: Date.now,
    });
  }

  /** How what was sent under these names differs from what is in the log. */
  async logDifferences(names: readonly string[] = ['fault']): Promise<readonly string[]> {
    const remains = await openRemains(this.dataDirectory);
    await remains.close();
    return names.flatMap((name) =>
      compareLedgerWithLog(
        readLedger(join(this.root, `${name}.ledger`)),
        remains.interactions.filter(({ record }) => record.eventId.startsWith(`${name}-`)),
      ),
    );
  }

  /** The same, and how the warehouse differs from the log. */
  async differences(names: readonly string[] = ['fault']): Promise<readonly string[]> {
    const problems = await this.logDifferences(names);
    const { interactions, close } = await openRemains(this.dataDirectory);
    const inWarehouse = await compareWarehouseWithLog(this.dataDirectory, SETTINGS, interactions);
    await close();
    return [...problems, ...inWarehouse];
  }

  /** How the state differs from what a naive program makes of the log. */
  async stateDifferences(): Promise<readonly string[]> {
    const remains = await openRemains(this.dataDirectory);
    const problems = await compareStateWithLog(remains, SETTINGS);
    await remains.close();
    return problems;
  }
}

/** The naive program knows no caps: so nobody's history and no list of neighbours may reach them. */
const ROOMY_FLAGS = ['--history-events', '1000', '--neighbours-per-item', '10000'];
const { settings: SETTINGS } = loadConfiguration({
  environment: {},
  flags: new Map([
    ['historyEvents', '1000'],
    ['neighboursPerItem', '10000'],
  ]),
});

/** One setting for each test of a file. */
export const faultSetting = (seed: number): FaultSetting => {
  const setting = new FaultSetting(seed);
  beforeEach(() => setting.begin());
  afterEach(() => setting.end());
  return setting;
};

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // It has ended.
    return '';
  }
};

const isRunning = ({ pid }: ServerProcess): boolean => existsSync(`/proc/${pid}/task`);

/** The engine of the warehouse among the program's children; undefined between two of them. */
export const engineOf = ({ pid }: ServerProcess): number | undefined => {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return children.map(Number).find((child) => commandOf(child).includes('clickhouse-child'));
};
