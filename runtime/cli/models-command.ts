/** `freshet models`: which releases there are, and which one lists are made with. */
import { FreshetError } from '../../schemas/errors.ts';
import { type CommandSpec, EXIT_DONE } from './command.ts';
import { releaseDetailLines, releaseLines } from './model-lines.ts';
import { openModelsTarget } from './models-target.ts';

const ACTIONS = ['list', 'show', 'promote', 'rollback'] as const;

export const modelsCommand: CommandSpec = {
  name: 'models',
  usage: 'list | show VERSION | promote VERSION | rollback',
  wordsMax: 2,
  summary: 'Shows the releases of models, puts one to use, or goes back to the one before.',
  flags: [{ name: 'url', value: 'URL', help: 'Of the server, where it is not the one on --data.' }],
  examples: [
    'freshet models list',
    'freshet models show 20260131T030000Z-3f2a',
    'freshet models rollback',
  ],
  async run(context) {
    const { terminal } = context;
    const { action, version } = questionOf(context.words);
    const target = await openModelsTarget(context, { needsWarehouse: false });
    try {
      if (action === 'promote') await target.promote(version!);
      if (action === 'rollback') await target.rollback();
      const answer = await target.models();
      const lines = action === 'show' ? detailsOf(answer.releases, version!) : releaseLines(answer);
      for (const line of lines) terminal.line(line);
      return EXIT_DONE;
    } finally {
      await target.close();
    }
  },
};

const questionOf = (
  words: readonly string[],
): { readonly action: (typeof ACTIONS)[number]; readonly version: string | undefined } => {
  const [word = 'list', version] = words;
  const action = ACTIONS.find((name) => name === word);
  const wantsVersion = action === 'show' || action === 'promote';
  const isWhole = wantsVersion === (version !== undefined);
  if (action !== undefined && isWhole) return { action, version };
  throw new FreshetError('bad_usage', {
    problem: `Expected ${modelsCommand.usage}, got ${words.join(' ')}.`,
  });
};

const detailsOf = (
  releases: Parameters<typeof releaseLines>[0]['releases'],
  version: string,
): readonly string[] => {
  const release = releases.find((candidate) => candidate.version === version);
  if (!release) throw new FreshetError('not_found', { what: `release ${version}` });
  return releaseDetailLines(release);
};
