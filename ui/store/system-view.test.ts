import { expect, it } from 'vitest';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { systemView } from './system-view.ts';

const answer = (sources: readonly { readonly source: string; readonly coverage: number }[]) =>
  ({ counters: {}, partitions: [], quality: { sources } }) as unknown as SystemAnswer;

it('says of no model that it is bad which never proposed anything', () => {
  const { sourcesTried } = systemView(
    answer([
      { source: 'taste', coverage: 0 },
      { source: 'blend', coverage: 0.1 },
    ]),
    null,
  );
  expect(sourcesTried.map(({ source }) => source)).toEqual(['blend']);
});
