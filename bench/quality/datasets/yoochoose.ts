/** Sessions of clicks (RecSys 2015, the 100k sample), oldest click first, items as dense indices. */
import { linesOf, readZipEntry } from './archive.ts';

export const YOOCHOOSE_FILE = 'yoochoose-clicks-100k.zip';

export interface ClickSession {
  readonly items: Uint32Array;
  /** Seconds since 1970, beside `items`. */
  readonly times: Float64Array;
}

export interface YoochooseData {
  /** Items of the training part are 0 … knownItems; those that only the test part has follow. */
  readonly knownItems: number;
  readonly itemCount: number;
  readonly train: readonly ClickSession[];
  readonly test: readonly ClickSession[];
}

const sessionsOf = (text: string, items: Map<string, number>): ClickSession[] => {
  const clicks = new Map<string, { item: number; time: number }[]>();
  for (const line of linesOf(text).slice(1)) {
    const [session = '', item = '', time = ''] = line.split('\t');
    if (!items.has(item)) items.set(item, items.size);
    const click = { item: items.get(item)!, time: Number(time) };
    const open = clicks.get(session);
    if (open) open.push(click);
    else clicks.set(session, [click]);
  }
  return [...clicks.values()].map((session) => {
    session.sort((a, b) => a.time - b.time);
    return {
      items: Uint32Array.from(session, ({ item }) => item),
      times: Float64Array.from(session, ({ time }) => time),
    };
  });
};

export const readYoochoose = async (): Promise<YoochooseData> => {
  const items = new Map<string, number>();
  const train = sessionsOf(await readZipEntry(YOOCHOOSE_FILE, '_train_full.txt'), items);
  const knownItems = items.size;
  const test = sessionsOf(await readZipEntry(YOOCHOOSE_FILE, '_test.txt'), items);
  return { knownItems, itemCount: items.size, train, test };
};
