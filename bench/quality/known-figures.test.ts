/**
 * The metrics are checked before any model is: a baseline whose figures are published must give
 * them. (`npm run quality -- Q1` shows EASE beside it, at .718 / .449.)
 */
import { describe, expect, it } from 'vitest';
import { fitItemPopularity } from '../../algorithms/popularity/item-popularity.ts';
import { contenderOf } from './contender.ts';
import { absenceOf, isPresent } from './datasets/location.ts';
import { NCF_FILE, readNcf } from './datasets/ncf.ts';
import { rowsOf, runRanking } from './ranking-run.ts';

const what = 'the known figures of popularity on Q1';
if (!isPresent(NCF_FILE)) console.log(absenceOf(NCF_FILE, what));

describe.skipIf(!isPresent(NCF_FILE))(what, () => {
  it('are HR@10 .4538 and NDCG@10 .2536', async () => {
    const data = await readNcf();
    const popularity = await contenderOf({
      name: 'popularity',
      fit: () => fitItemPopularity(data.train),
    });
    const task = { histories: data.train, targets: data.targets, against: data.negatives };
    const [row] = rowsOf(runRanking(task, [popularity], []), [popularity], []);
    expect(Math.abs(row!.metrics['HR@10']!.mean - 0.4538)).toBeLessThan(0.001);
    expect(Math.abs(row!.metrics['NDCG@10']!.mean - 0.2536)).toBeLessThan(0.001);
  });
});
