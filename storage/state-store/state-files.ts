/**
 * The files of one state partition, and which of them may be trusted.
 *
 *   data.mdb       the state; its commits are not flushed
 *   session.json   under which boot it was last written, and whether it was closed and flushed
 *   snapshot/      a flushed copy of an earlier state, with its SHA-256
 *
 * Flushing every apply would cost more than the apply itself, and the state is derived from the log, so
 * nothing has to be. What has to hold is that it comes back as it was at some earlier moment, position
 * and values together. A killed process does not endanger that: the kernel holds every finished write,
 * and LMDB never changes a page that a finished commit points to. A power cut does: unflushed pages
 * reach the disk in any order. So state that was not closed is believed only under the boot that wrote
 * it. Otherwise it is thrown away for the snapshot, or, without a good one, for nothing; either way the
 * stream reads the log on from the position it finds. The same happens at the next start to state that
 * was found damaged, which is set aside.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type EpochMs, type Offset, offset } from '../../schemas/ids.ts';
import { flushFile, replaceFile, sha256Of } from './durable-file.ts';

interface Session {
  readonly bootId: string | null;
  /** `written` while an owner may be writing, `closed` when all is flushed. */
  readonly state: 'written' | 'closed' | 'damaged';
  /** The highest epoch that was ever claimed: it must not come again after a restoration. */
  readonly epoch: number;
}

interface SnapshotDescription {
  readonly sha256: string;
  readonly takenAt: EpochMs;
  /** What the copy covers at least; absent in snapshots of before it was noted. */
  readonly coveredOffset?: Offset;
}

export type Restoration = 'snapshot' | 'nothing';

export class StateFiles {
  readonly path: string;
  readonly #bootId: string | undefined;

  constructor(path: string, bootId: string | undefined) {
    this.path = path;
    this.#bootId = bootId;
  }

  get dataFile(): string {
    return join(this.path, 'data.mdb');
  }

  /** Whether the state is as an apply left it. */
  async isTrusted(): Promise<boolean> {
    if (!existsSync(this.dataFile)) return false;
    const session = await this.#readSession();
    if (session?.state === 'closed') return true;
    return (
      session?.state === 'written' && this.#bootId !== undefined && session.bootId === this.#bootId
    );
  }

  /** Makes what cannot be trusted into what can; says where from when something was there. */
  async restore(): Promise<Restoration | undefined> {
    const session = await this.#readSession();
    const wasThere = existsSync(this.dataFile);
    await mkdir(this.path, { recursive: true });
    if (session?.state === 'damaged') await this.#setAside('data.mdb');
    await rm(this.dataFile, { force: true });
    await rm(join(this.path, 'lock.mdb'), { force: true });
    const isRestored = await this.#copySnapshot();
    await this.markWritten(session?.epoch ?? 0);
    return wasThere || isRestored ? (isRestored ? 'snapshot' : 'nothing') : undefined;
  }

  markWritten(epoch: number): Promise<void> {
    return this.#writeSession({ state: 'written', epoch });
  }

  async markClosed(epoch: number): Promise<void> {
    await flushFile(this.dataFile);
    await this.#writeSession({ state: 'closed', epoch });
  }

  /** There is a snapshot and nothing else: whoever opens it starts from that. */
  markRestorable(epoch: number): Promise<void> {
    return this.#writeSession({ state: 'closed', epoch });
  }

  async markDamaged(): Promise<void> {
    const { epoch } = (await this.#readSession()) ?? { epoch: 0 };
    await this.#writeSession({ state: 'damaged', epoch });
  }

  /** Whether there is anything to open or to restore. */
  isEmpty(): boolean {
    return !['data.mdb', 'snapshot', 'snapshot.former'].some((name) =>
      existsSync(join(this.path, name)),
    );
  }

  async highestEpoch(): Promise<number> {
    return (await this.#readSession())?.epoch ?? 0;
  }

  async snapshotTakenAt(): Promise<EpochMs | undefined> {
    return (await readJson<SnapshotDescription>(join(this.path, 'snapshot', 'snapshot.json')))
      ?.takenAt;
  }

  /** The first offset of the log that a start from the newest snapshot would read. */
  async recoverableFrom(): Promise<Offset> {
    const path = join(this.path, 'snapshot', 'snapshot.json');
    const covered = (await readJson<SnapshotDescription>(path))?.coveredOffset;
    return offset(covered === undefined ? 0 : covered + 1);
  }

  /** Puts a new snapshot in the place of the former one, which stays until the new one is flushed. */
  async takeSnapshot(
    copyTo: (directory: string) => Promise<void>,
    factsOf: (directory: string) => Promise<Omit<SnapshotDescription, 'sha256'>>,
  ): Promise<void> {
    const beside = join(this.path, 'snapshot.new');
    await rm(beside, { recursive: true, force: true });
    await mkdir(beside);
    try {
      await copyTo(beside);
      const file = join(beside, 'data.mdb');
      const facts = await factsOf(beside);
      await rm(join(beside, 'lock.mdb'), { force: true });
      await flushFile(file);
      const description: SnapshotDescription = { sha256: await sha256Of(file), ...facts };
      await replaceFile(join(beside, 'snapshot.json'), JSON.stringify(description));
    } catch (error) {
      await rm(beside, { recursive: true, force: true });
      throw error;
    }
    const former = join(this.path, 'snapshot.former');
    const current = join(this.path, 'snapshot');
    await rm(former, { recursive: true, force: true });
    if (existsSync(current)) await rename(current, former);
    await rename(beside, current);
    await flushFile(this.path);
    await rm(former, { recursive: true, force: true });
  }

  /** Copies the newest good snapshot to be the state; one whose checksum is wrong is set aside. */
  async #copySnapshot(): Promise<boolean> {
    for (const name of ['snapshot', 'snapshot.former']) {
      const directory = join(this.path, name);
      const description = await readJson<SnapshotDescription>(join(directory, 'snapshot.json'));
      const file = join(directory, 'data.mdb');
      if (!description || !existsSync(file)) continue;
      if ((await sha256Of(file)) !== description.sha256) {
        await this.#setAside(name);
        continue;
      }
      await copyFile(file, this.dataFile);
      await flushFile(this.dataFile);
      return true;
    }
    return false;
  }

  async #setAside(name: string): Promise<void> {
    const aside = join(this.path, `${name}.damaged`);
    if (!existsSync(join(this.path, name))) return;
    await rm(aside, { recursive: true, force: true });
    await rename(join(this.path, name), aside);
  }

  #readSession(): Promise<Session | undefined> {
    return readJson<Session>(join(this.path, 'session.json'));
  }

  async #writeSession(session: Omit<Session, 'bootId'>): Promise<void> {
    const written: Session = { bootId: this.#bootId ?? null, ...session };
    await replaceFile(join(this.path, 'session.json'), JSON.stringify(written));
  }
}

const readJson = async <Value>(path: string): Promise<Value | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Value;
  } catch {
    return undefined;
  }
};
