/** The SASRec / BERT4Rec sequences of MovieLens 1M: `user item` a line, in time order, no times. */
import { type Histories, historiesOf } from '../../../algorithms/histories/histories.ts';
import { linesOf, readGzip } from './archive.ts';

export const SASREC_FILE = 'sasrec-ml-1m.txt.gz';

export const readSasrec = async (): Promise<Histories> => {
  const pairs = linesOf(await readGzip(SASREC_FILE)).map((line) => line.split(' ').map(Number));
  // Both are numbered from 1 in the file.
  const events = pairs.map(([user, item]) => ({ user: user! - 1, item: item! - 1 }));
  let userCount = 0;
  let itemCount = 0;
  for (const { user, item } of events) {
    userCount = Math.max(userCount, user + 1);
    itemCount = Math.max(itemCount, item + 1);
  }
  return historiesOf(events, { userCount, itemCount });
};
