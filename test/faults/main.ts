/**
 * The crash runs on the real program. `npm run test:crash` is a million events and two hundred kills;
 * `-- --seed N --events N --kills N` is another size, or repeats a run. `npm run test:crash-points`
 * dies at every named crash point, on its first pass and on a later one, once by a kill and once by a
 * power cut. One that is never reached is a failure.
 */
import { parseArgs } from 'node:util';
import { type CrashRunOptions, runCrashes } from './crash-run.ts';
import { crashPointLives, randomLives } from './life.ts';

const EVENTS_PER_POINT = 300;

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    points: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    events: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '200' },
  },
});
const seed = Number(values.seed);

const RUNS: readonly (CrashRunOptions & { readonly name: string })[] = values.points
  ? [false, true].map((losesPower) => ({
      name: losesPower ? 'every crash point, power cut' : 'every crash point, SIGKILL',
      seed,
      events: EVENTS_PER_POINT * crashPointLives().length,
      lives: crashPointLives,
      losesPower,
    }))
  : [
      {
        name: 'random moments, SIGKILL',
        seed,
        events: Number(values.events),
        lives: (random) => randomLives(random, Number(values.kills)),
      },
    ];

let failed = 0;
for (const { name, ...options } of RUNS) {
  const report = await runCrashes({
    ...options,
    onProgress: ({ kills }) => {
      if (kills % 10 === 0) console.log(`${name}: ${kills} kills`);
    },
  });
  console.log(JSON.stringify({ name, ...report }, null, 2));
  if (report.problems.length > 0) failed += 1;
}
if (failed > 0) console.log(`repeat it with -- --seed ${seed}`);
console.log(`${RUNS.length - failed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
