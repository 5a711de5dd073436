/** The `freshet` command line: finds the command, runs it, turns failures into one sentence. */
import { FreshetError, isFreshetError } from '../schemas/errors.ts';
import {
  type CommandSpec,
  EXIT_DONE,
  EXIT_FAILED,
  EXIT_WRONG_USE,
  parseCommandLine,
} from './cli/command.ts';
import { COMMANDS } from './cli/commands.ts';
import { helpOf, overview } from './cli/help.ts';
import { systemClock } from './clock.ts';
import { environment } from './environment.ts';
import { letHeapGrow } from './heap-growth.ts';
import { createTerminal } from './terminal.ts';
import { VERSION } from './version.ts';

letHeapGrow();
const terminal = createTerminal(systemClock);

const main = async (args: readonly string[]): Promise<number> => {
  const [first, ...rest] = args;
  if (first === undefined) {
    terminal.problem(overview());
    return EXIT_WRONG_USE;
  }
  if (first === '--version') {
    terminal.line(VERSION);
    return EXIT_DONE;
  }
  if (first === 'help' || isHelp(first)) return tellHelp(rest);
  const spec = findCommand(first, rest);
  if (spec === undefined) return refuse(first);
  const words = rest.slice(spec.name.split(' ').length - 1);
  if (words.some(isHelp)) {
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

const isHelp = (word: string): boolean => word === '--help' || word === '-h';

/** `freshet help`, and `freshet help COMMAND`. */
const tellHelp = ([first, ...rest]: readonly string[]): number => {
  const spec = first === undefined ? undefined : findCommand(first, rest);
  if (first !== undefined && spec === undefined) return refuse(first);
  terminal.line(spec === undefined ? overview() : helpOf(spec));
  return EXIT_DONE;
};

const refuse = (word: string): number => {
  const near = COMMANDS.find(({ name }) => name.startsWith(word))?.name;
  const advice = near === undefined ? 'freshet help lists them.' : `did you mean freshet ${near}?`;
  terminal.problem(`Expected a command of freshet, got ${word}; ${advice}`);
  return EXIT_WRONG_USE;
};

/** A command may be two words, such as `items sync`. */
const findCommand = (first: string, rest: readonly string[]): CommandSpec | undefined =>
  COMMANDS.find((command) => command.name === `${first} ${rest[0]}`) ??
  COMMANDS.find((command) => command.name === first);

/** One Ctrl-C may arrive twice: from the terminal, and from whoever started this and passes it on. */
const SAME_SIGNAL_MS = 500;

/** The first signal asks for a tidy stop; a second one does not wait for it. */
const stopOnSignals = (stopping: AbortController): void => {
  let askedAtMs = Number.POSITIVE_INFINITY;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      const nowMs = systemClock.monotonicMs();
      // Exiting would wait for a thread that may be writing; nothing acknowledged is lost by a kill.
      if (nowMs - askedAtMs > SAME_SIGNAL_MS) process.kill(process.pid, 'SIGKILL');
      askedAtMs = Math.min(askedAtMs, nowMs);
      stopping.abort();
    });
  }
};

const exitCodeOf = (error: unknown): number =>
  isFreshetError(error, 'bad_usage') || isFreshetError(error, 'bad_settings')
    ? EXIT_WRONG_USE
    : EXIT_FAILED;

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return 'Interrupted.';
  // What the system refuses says which call and which path; a stack adds nothing for whoever typed it.
  const isOfTheSystem = 'syscall' in error;
  return error instanceof FreshetError || isOfTheSystem
    ? error.message
    : (error.stack ?? error.message);
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  terminal.problem(describe(error));
  process.exitCode = exitCodeOf(error);
}
