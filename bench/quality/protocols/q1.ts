/**
 * Q1: NCF's files. The newest item of each user against 99 items that the file gives; HR@10 and
 * NDCG@10. Leave-one-out, so not time-respecting.
 */
import { fitEase } from '../../../algorithms/linear/ease.ts';
import { fitItemPopularity } from '../../../algorithms/popularity/item-popularity.ts';
import { contenderOf, randomContender } from '../contender.ts';
import { NCF_FILE, readNcf } from '../datasets/ncf.ts';
import { compareWithBestPart, type RankingTask, rowsOf, runRanking } from '../ranking-run.ts';
import type { Protocol } from './protocol.ts';

const TITLE = 'NCF’s files (MovieLens 1M): last item against 99 given ones';

export const q1: Protocol = {
  id: 'Q1',
  title: TITLE,
  file: NCF_FILE,
  async run(command) {
    const data = await readNcf();
    const context = { seed: 1 };
    const contenders = [
      randomContender(1),
      await contenderOf({ name: 'popularity', fit: () => fitItemPopularity(data.train) }),
      await contenderOf({
        name: 'EASE',
        settings: { regularisation: 1000, keepPerItem: data.train.itemCount },
        fit: () =>
          fitEase(data.train, { regularisation: 1000, keepPerItem: data.train.itemCount }, context),
      }),
    ];
    const task: RankingTask = {
      histories: data.train,
      targets: data.targets,
      against: data.negatives,
    };
    const run = runRanking(task, contenders, []);
    return {
      id: 'Q1',
      title: TITLE,
      command,
      remarks: ['Not time-respecting: models see other users’ later events.'],
      rows: rowsOf(run, contenders, []),
      comparisons: [].flatMap((blend) => compareWithBestPart(run, blend)),
    };
  },
};
