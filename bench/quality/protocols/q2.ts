/**
 * Q2: the SASRec sequences. The last item of each user is the test target, the one before it the
 * validation target; all items that the user has not met are ranked; HR@10 and NDCG@10. The file
 * has no times, so neighbours are not damped by time. Leave-one-out, so not time-respecting.
 *
 * Settings and weights were chosen on the validation part (`-- Q2 --validation`).
 */
import { DEFAULT_FLOOR } from '../../../algorithms/blend/blend.ts';
import { leaveLastOut } from '../../../algorithms/splits/leave-one-out.ts';
import { readSasrec, SASREC_FILE } from '../datasets/sasrec.ts';
import { listBlend } from '../list-blend.ts';
import { causalContender, NEURAL_POOL } from '../neural-contenders.ts';
import { compareWithBestPart, rowsOf, runRanking } from '../ranking-run.ts';
import { zBlend } from '../score-blends.ts';
import { usualContenders } from '../usual-contenders.ts';
import type { Protocol } from './protocol.ts';

const LIST_LIMIT = 500;
const floor = DEFAULT_FLOOR;

const BLENDS = [
  zBlend('z: next-item + sequence kNN + EASE', { 'next-item': 1, 'sequence kNN': 0.8, EASE: 0.5 }),
  // Weights by conditional logit on the validation targets, the parts fitted without them.
  listBlend(
    'blend',
    [
      { name: 'next-item', weight: 0.93, floor },
      { name: 'sequence kNN', weight: 1.5, floor },
      { name: 'EASE', weight: 1.02, floor },
    ],
    { limit: LIST_LIMIT },
  ),
];

export const q2: Protocol = {
  id: 'Q2',
  title: 'SASRec sequences (MovieLens 1M): last item among all unseen ones',
  file: SASREC_FILE,
  hasNeural: true,
  async run(part, { isNeural }) {
    const whole = leaveLastOut(await readSasrec());
    const { train, targets } = part === 'test' ? whole : leaveLastOut(whole.train);
    const contenders = await usualContenders(train, {
      nextItemRegularisation: 200,
      easeRegularisation: 1000,
      sequenceDecay: 0.65,
    });
    if (isNeural) contenders.push(await causalContender(train));
    const blends = isNeural ? [...BLENDS, NEURAL_POOL] : BLENDS;
    const run = runRanking({ histories: train, targets, against: 'unseen' }, contenders, blends);
    return {
      remarks: ['Not time-respecting: models see other users’ later events.'],
      rows: rowsOf(run, contenders, blends),
      comparisons: blends.flatMap((blend) => compareWithBestPart(run, blend)),
    };
  },
};
