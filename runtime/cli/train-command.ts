/** `freshet train`: trains models now, shows how it goes, and says what came of it. */
import { type ModelsAnswer, TRAINABLE } from '../../schemas/api/models.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { formatSeconds, type Terminal } from '../terminal.ts';
import { type CommandContext, type CommandSpec, EXIT_DONE, EXIT_FAILED } from './command.ts';
import { holdOutLines, trainingLine } from './model-lines.ts';
import { type ModelsTarget, openModelsTarget, type Trainable } from './models-target.ts';

const LOOK_MS = 250 as DurationMs;
const CONTENT = 'content';
const NOTHING_TO_TRAIN =
  'Content is not trained: lists compare items by the catalogue as it is at that moment. Expected `freshet train blend`, which weighs content beside the models.';
/** Progress in thousandths, so that the bar has something to count. */
const WHOLE = 1_000;

export const trainCommand: CommandSpec = {
  name: 'train',
  usage: `[${TRAINABLE.join('|')}]`,
  wordsMax: 1,
  summary:
    'Trains models from the warehouse, tries them on what people chose later, and puts them to use when they pass.',
  flags: [{ name: 'url', value: 'URL', help: 'Of the server, where it is not the one on --data.' }],
  examples: ['freshet train', 'freshet train als', 'freshet train --data /srv/freshet'],
  async run(context) {
    const kind = kindOf(context);
    const target = await openModelsTarget(context, { needsWarehouse: true });
    try {
      const runId = await target.train(kind);
      const answer = await untilEnded(target, runId, context);
      return report(answer, runId, context.terminal);
    } finally {
      await target.close();
    }
  },
};

const kindOf = ({ words }: CommandContext): Trainable => {
  const [word = 'all'] = words;
  if (word === CONTENT) throw new FreshetError('bad_usage', { problem: NOTHING_TO_TRAIN });
  const kind = TRAINABLE.find((name) => name === word);
  if (kind !== undefined) return kind;
  throw new FreshetError('bad_usage', {
    problem: `Expected one of ${TRAINABLE.join(', ')}, got ${word}.`,
  });
};

const untilEnded = async (
  target: ModelsTarget,
  runId: string,
  { terminal, clock, stopping }: CommandContext,
): Promise<ModelsAnswer> => {
  const progress = terminal.progress('Training');
  const began = clock.monotonicMs();
  let isCancelled = false;
  for (;;) {
    const answer = await target.models();
    const { training } = answer;
    if (training?.runId !== runId) {
      progress.end(`ended after ${formatSeconds((clock.monotonicMs() - began) / 1000)}`);
      return answer;
    }
    progress.update(Math.round(training.share * WHOLE), WHOLE, trainingLine(training));
    if (stopping.aborted && !isCancelled) {
      isCancelled = true;
      await target.cancel();
    }
    await pause(clock, isCancelled ? undefined : stopping);
  }
};

const pause = (clock: Clock, signal: AbortSignal | undefined): Promise<void> =>
  clock.sleep(LOOK_MS, signal).catch(() => undefined);

const report = ({ runs }: ModelsAnswer, runId: string, terminal: Terminal): number => {
  const run = runs.find((candidate) => candidate.runId === runId);
  if (!run) {
    terminal.problem('The training is on no record: the server may have been restarted.');
    return EXIT_FAILED;
  }
  for (const line of holdOutLines(run.holdOut)) terminal.line(line);
  for (const remark of run.remarks) terminal.line(remark);
  if (run.outcome === 'promoted') {
    terminal.line(`Release ${run.version} is in use.`);
    return EXIT_DONE;
  }
  const why = run.reasons.length > 0 ? `: ${run.reasons.join('; ')}` : '';
  terminal.problem(`The training was ${run.outcome}${why}.`);
  return EXIT_FAILED;
};
