/**
 * The NCF benchmark on MovieLens 1M: the newest item of each user against the file's 99 negatives.
 * Training rows of a user come in the order of `ratings.dat`, so a stable sort by time gives each
 * history with its ties in that order.
 */
import { type Histories, historiesOf } from '../../../algorithms/histories/histories.ts';
import { seededRandom } from '../../../algorithms/random/seeded-random.ts';
import { leaveLastOut } from '../../../algorithms/splits/leave-one-out.ts';
import { linesOf, readZipEntry } from './archive.ts';

export const NCF_FILE = 'ncf-ml-1m.zip';

export interface NcfData {
  readonly train: Histories;
  readonly targets: Uint32Array;
  /** When the target happened, seconds since 1970. */
  readonly targetTimes: Float64Array;
  /** Per user the 99 items that the target is ranked against. */
  readonly negatives: readonly Uint32Array[];
}

const fieldsOf = (line: string): number[] => line.split('\t').map(Number);

export const readNcf = async (): Promise<NcfData> => {
  const train = linesOf(await readZipEntry(NCF_FILE, 'ml-1m.train.rating')).map(fieldsOf);
  const test = linesOf(await readZipEntry(NCF_FILE, 'ml-1m.test.rating')).map(fieldsOf);
  const negatives = linesOf(await readZipEntry(NCF_FILE, 'ml-1m.test.negative')).map((line) =>
    Uint32Array.from(line.split('\t').slice(1), Number),
  );
  let itemCount = 0;
  for (const fields of [...train, ...test]) itemCount = Math.max(itemCount, fields[1]! + 1);
  for (const row of negatives) for (const item of row) itemCount = Math.max(itemCount, item + 1);
  const events = train.map(([user, item, weight, time]) => ({
    user: user!,
    item: item!,
    weight: weight!,
    time: time!,
  }));
  return {
    train: historiesOf(events, { userCount: test.length, itemCount }),
    targets: Uint32Array.from(test, (fields) => fields[1]!),
    targetTimes: Float64Array.from(test, (fields) => fields[3]!),
    negatives,
  };
};

/**
 * The training part with a target of its own: a random member of each user's last tie group, since
 * the file's own target is not always the last of the order either. The negatives stay: none of
 * them is in the training part.
 */
export const validationOf = ({ train, targetTimes, negatives }: NcfData, seed: number): NcfData => {
  const random = seededRandom(seed);
  const items = train.items.slice();
  const times = train.times!;
  for (let user = 0; user < train.userCount; user++) {
    const last = train.starts[user + 1]! - 1;
    let first = last;
    while (first > train.starts[user]! && times[first - 1] === times[last]) first -= 1;
    const chosen = first + random.below(last - first + 1);
    const target = items[chosen]!;
    items.copyWithin(chosen, chosen + 1, last + 1);
    items[last] = target;
  }
  const held = leaveLastOut({ ...train, items });
  return { train: held.train, targets: Uint32Array.from(held.targets), targetTimes, negatives };
};
