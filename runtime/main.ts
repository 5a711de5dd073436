/** The `freshet` command line: finds the command, runs it, turns failures into one sentence. */
import { FreshetError, isFreshetError } from '../schemas/errors.ts';
import {
  type CommandSpec,
  EXIT_DONE,
  EXIT_FAILED,
  EXIT_WRONG_USE,
  helpOf,
  parseCommandLine,
} from './cli/command.ts';
import { COMMANDS } from './cli/commands.ts';
import { systemClock } from './clock.ts';
import { environment } from './environment.ts';
import { createTerminal } from './terminal.ts';

const terminal = createTerminal(systemClock);

const main = async (args: readonly string[]): Promise<number> => {
  const [first, ...rest] = args;
  if (first === undefined || first === 'help' || first === '--help') {
    terminal.line(overview());
    return first === undefined ? EXIT_WRONG_USE : EXIT_DONE;
  }
  const spec = findCommand(first, rest);
  if (spec === undefined) {
    terminal.problem(`Expected a command of freshet, got ${first}.\n`);
    terminal.problem(overview());
    return EXIT_WRONG_USE;
  }
  const words = rest.slice(spec.name.split(' ').length - 1);
  if (words.includes('--help')) {
    terminal.line(helpOf(spec));
    return EXIT_DONE;
  }
  const stopping = new AbortController();
  const context = parseCommandLine(spec, words, {
    environment: environment(),
    clock: systemClock,
    terminal,
    stopping: stopping.signal,
  });
  stopOnSignals(stopping);
  return spec.run(context);
};

/** A command may be two words, such as `items sync`. */
const findCommand = (first: string, rest: readonly string[]): CommandSpec | undefined =>
  COMMANDS.find((command) => command.name === `${first} ${rest[0]}`) ??
  COMMANDS.find((command) => command.name === first);

const overview = (): string => {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  return [
    'freshet: recommendations as fresh as the last click',
    '',
    ...COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    'freshet COMMAND --help tells more.',
  ].join('\n');
};

/** The first signal asks for a tidy stop; a second one does not wait for it. */
const stopOnSignals = (stopping: AbortController): void => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Exiting would wait for a thread that may be writing; nothing acknowledged is lost by a kill.
      if (stopping.signal.aborted) process.kill(process.pid, 'SIGKILL');
      stopping.abort();
    });
  }
};

const exitCodeOf = (error: unknown): number =>
  isFreshetError(error, 'bad_usage') || isFreshetError(error, 'bad_settings')
    ? EXIT_WRONG_USE
    : EXIT_FAILED;

const describe = (error: unknown): string => {
  if (error instanceof FreshetError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  terminal.problem(describe(error));
  process.exitCode = exitCodeOf(error);
}
