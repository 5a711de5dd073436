/**
 * `npm run test:siege`: a million events into the program in five processes on real Kafka, Redis and
 * ClickHouse, of which two hundred processes and twenty servers are killed meanwhile; nothing may be lost
 * or doubled in log, state, warehouse and lists. `-- --brokers 3` takes three brokers that replicate,
 * `-- --cluster-moves N` a Redis Cluster of three masters with slots that move, `-- --points` dies at every
 * crash point as well; `--seed`, `--events`, `--kills`, `--server-kills`, `--stops`, `--sleepers` and
 * `--emptied` say how much of it.
 */
import { parseArgs } from 'node:util';
import { runSiege } from './siege-run.ts';

const { values } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== '--'),
  options: {
    seed: { type: 'string', default: '1' },
    events: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '200' },
    'server-kills': { type: 'string', default: '21' },
    stops: { type: 'string', default: '10' },
    points: { type: 'boolean', default: false },
    sleepers: { type: 'string', default: '3' },
    emptied: { type: 'string', default: '1' },
    brokers: { type: 'string', default: '1' },
    'cluster-moves': { type: 'string' },
  },
});
const moves = values['cluster-moves'];
const report = await runSiege({
  seed: Number(values.seed),
  events: Number(values.events),
  kills: Number(values.kills),
  serverKills: Number(values['server-kills']),
  stops: Number(values.stops),
  points: values.points,
  sleepers: Number(values.sleepers),
  emptied: Number(values.emptied),
  brokers: values.brokers === '3' ? 3 : 1,
  clusterMoves: moves === undefined ? undefined : Number(moves),
  onProgress: (said) => console.log(said),
});
console.log(JSON.stringify(report, null, 2));
const failed = report.problems.length > 0 ? 1 : 0;
if (failed > 0) console.log(`repeat it with the same numbers and --seed ${report.seed}`);
console.log(`${1 - failed} passed, ${failed} failed`);
process.exitCode = failed;
