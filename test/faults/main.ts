/**
 * `npm run test:crash`: a million events and two hundred kills. `-- --seed N --events N --kills N`
 * runs another size or repeats a run.
 */
import { parseArgs } from 'node:util';
import { STREAM_CRASH_POINTS } from '../../stream/crash-points.ts';
import { runCrashes } from './crash-run.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    events: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '200' },
  },
});

/** Each point on its first pass and on a later one. */
const crashPoints = STREAM_CRASH_POINTS.filter((point) => !point.includes('rebuild')).flatMap(
  (point) => [`${point}@1`, `${point}@7`],
);

const report = await runCrashes({
  seed: Number(values.seed),
  events: Number(values.events),
  kills: Number(values.kills),
  crashPoints,
  onProgress: ({ kills }) => {
    if (kills % 10 === 0) console.log(`${kills} kills`);
  },
});
console.log(JSON.stringify(report, null, 2));
const failed = report.problems.length > 0 ? 1 : 0;
console.log(`${1 - failed} passed, ${failed} failed`);
process.exitCode = failed;
