/** `freshet forget`: forgets a person and prints the receipt. */
import { FORGET_STAGES, type ForgetReceipt } from '../../schemas/api/forgetting.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import { buildPageWhereStale, PAGE_DIRECTORY } from '../../ui/build.ts';
import { dataPathsOf, factsIn } from '../data-directory.ts';
import { openEmbeddedProfile } from '../embedded/embedded-profile.ts';
import { startInstance } from '../instance.ts';
import { formatCount, formatSeconds } from '../terminal.ts';
import { type CommandContext, type CommandSpec, EXIT_DONE, EXIT_FAILED } from './command.ts';
import { callServer, serverOf } from './server-address.ts';

const LOOK_MS = 250 as DurationMs;

export const forgetCommand: CommandSpec = {
  name: 'forget',
  usage: 'ID',
  wordsMax: 1,
  summary:
    'Forgets a person: history, counts, warehouse and the key to what the log holds; prints the receipt.',
  flags: [
    { name: 'yes', help: 'Do not ask whether that is meant.' },
    { name: 'url', value: 'URL', help: 'Of the server, where it is not the one on --data.' },
  ],
  examples: ['freshet forget ada', 'freshet forget ada --yes --data /srv/freshet'],
  async run(context) {
    const { terminal } = context;
    const userId = idOf(context.words);
    if (!(await isMeant(context, userId))) {
      terminal.line('Nothing was forgotten.');
      return EXIT_FAILED;
    }
    const server = await serverFor(context);
    try {
      const receipt = await untilForgotten(server.url, userId, context);
      for (const line of receiptLines(receipt)) terminal.line(line);
      return receipt.stage === 'done' ? EXIT_DONE : EXIT_FAILED;
    } finally {
      await server.stop();
    }
  },
};

const idOf = ([id]: readonly string[]): string => {
  if (id !== undefined) return id;
  throw new FreshetError('bad_usage', { problem: 'Expected the id of a person, got none.' });
};

const isMeant = async ({ terminal, isOn }: CommandContext, userId: string): Promise<boolean> => {
  if (isOn('yes')) return true;
  if (!terminal.isInteractive) {
    throw new FreshetError('bad_usage', {
      problem: 'Expected --yes, since there is nobody at this terminal to ask.',
    });
  }
  return terminal.confirm(`Forget ${userId}? What is forgotten cannot be brought back.`);
};

interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** The one that runs on the data directory; where none does, one for as long as this takes. */
const serverFor = async (context: CommandContext): Promise<Server> => {
  const { settings } = context.configuration;
  const url = await serverOf(context);
  if (url !== undefined) return { url, stop: async () => {} };
  if (settings.profile === 'distributed') {
    const problem = 'Expected --url to name a process that takes events in, got none.';
    throw new FreshetError('bad_usage', { problem });
  }
  factsIn(dataPathsOf(settings.dataDirectory).root);
  await buildPageWhereStale();
  const fatal = Promise.withResolvers<Error>();
  const instance = await startInstance({
    settings: { ...settings, host: '127.0.0.1', port: 0, trainingAt: '' },
    openProfile: openEmbeddedProfile,
    mayMoveOn: false,
    pageDirectory: PAGE_DIRECTORY,
    clock: context.clock,
    logger: context.createLogger('forget'),
    onFatal: fatal.resolve,
  });
  const ownUrl = `http://127.0.0.1:${instance.port}${settings.basePath}`;
  return { url: ownUrl, stop: () => instance.stop() };
};

const untilForgotten = async (
  url: string,
  userId: string,
  { terminal, clock, stopping }: CommandContext,
): Promise<ForgetReceipt> => {
  const progress = terminal.progress('Forgetting');
  const began = clock.monotonicMs();
  const path = `${url}/v1/users/${encodeURIComponent(userId)}`;
  let receipt = await callServer<ForgetReceipt>('DELETE', path);
  while (receipt.stage !== 'done' && !stopping.aborted) {
    progress.update(FORGET_STAGES.indexOf(receipt.stage), FORGET_STAGES.length - 1);
    await clock.sleep(LOOK_MS, stopping).catch(() => undefined);
    receipt = await callServer('GET', `${url}/v1/receipts/${receipt.requestId}`);
  }
  const seconds = formatSeconds((clock.monotonicMs() - began) / 1000);
  progress.end(receipt.stage === 'done' ? `done after ${seconds}` : 'goes on without this command');
  return receipt;
};

const receiptLines = (receipt: ForgetReceipt): readonly string[] => [
  `Receipt ${receipt.requestId}, asked for at ${receipt.askedAt}, ${
    receipt.finishedAt === null ? `so far: ${receipt.stage}` : `done at ${receipt.finishedAt}`
  }.`,
  `Events: ${formatCount(receipt.events)}; taken back from what is counted: ${formatCount(receipt.takenBack)}.`,
  ...(receipt.warehouseRows === null
    ? ['No warehouse.']
    : [`Rows deleted from the warehouse: ${formatCount(receipt.warehouseRows)}.`]),
  receipt.exact
    ? 'All counts are what they would be had the person never been here.'
    : 'What stays, as anonymous counts that decay:',
  ...receipt.residue.map((line) => `  ${line}`),
  ...(receipt.unsealedLog
    ? ['The log still holds records from before they were sealed; see docs/forgetting.md.']
    : []),
  ...(receipt.problem === null ? [] : [`Held up: ${receipt.problem}`]),
];
