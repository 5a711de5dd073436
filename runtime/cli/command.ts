/**
 * What a command of `freshet` is, and how its words on the command line become options. Settings
 * are flags of every command that opens a data directory; a command adds flags of its own.
 */
import { parseArgs } from 'node:util';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type Configuration, loadConfiguration } from '../configuration.ts';
import { createLogger, type LogLevel } from '../logger.ts';
import { flagOf, SETTINGS, type Setting, type SettingName } from '../settings.ts';
import type { Terminal } from '../terminal.ts';

export interface CommandFlag {
  readonly name: string;
  /** What stands after the flag in the help, for example PATH; absent for a switch. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Words after the command, for example `<path>`, and how many of them there may be. */
  readonly usage?: string;
  readonly wordsMax?: number;
  readonly flags: readonly CommandFlag[];
  readonly examples: readonly string[];
  run(context: CommandContext): Promise<number>;
}

export interface CommandContext {
  readonly words: readonly string[];
  readonly clock: Clock;
  readonly terminal: Terminal;
  readonly configuration: Configuration;
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly stopping: AbortSignal;
  createLogger(role: string): Logger;
  text(flag: string): string | undefined;
  integer(flag: string, limits: { min: number; max: number }): number | undefined;
  isOn(flag: string): boolean;
}

export const EXIT_DONE = 0;
export const EXIT_FAILED = 1;
export const EXIT_WRONG_USE = 2;

const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export const parseCommandLine = (
  spec: CommandSpec,
  given: readonly string[],
  surroundings: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly clock: Clock;
    readonly terminal: Terminal;
    readonly stopping: AbortSignal;
  },
): CommandContext => {
  const { values, words } = parseFlags(spec, given);
  refuseMoreWords(spec, words);
  const flags = new Map<SettingName, string | boolean>();
  for (const name of SETTING_NAMES) {
    const value = values.get(flagOf(name));
    if (value !== undefined) flags.set(name, value);
  }
  const file = values.get('config');
  const configuration = loadConfiguration({
    environment: surroundings.environment,
    flags,
    ...(typeof file === 'string' ? { file } : {}),
  });
  return {
    words,
    configuration,
    clock: surroundings.clock,
    terminal: surroundings.terminal,
    stopping: surroundings.stopping,
    createLogger: (role) =>
      createLogger({ level: configuration.settings.logLevel as LogLevel, role }),
    text: (flag) => {
      const value = values.get(flag);
      return typeof value === 'string' ? value : undefined;
    },
    integer: (flag, limits) => parseInteger(flag, values.get(flag), limits),
    isOn: (flag) => values.get(flag) === true,
  };
};

const parseFlags = (
  spec: CommandSpec,
  given: readonly string[],
): { values: ReadonlyMap<string, string | boolean>; words: readonly string[] } => {
  const options: Record<string, { type: 'string' | 'boolean' }> = {
    config: { type: 'string' },
    help: { type: 'boolean' },
  };
  for (const name of SETTING_NAMES) {
    const setting: Setting = SETTINGS[name];
    options[flagOf(name)] = { type: setting.type === 'boolean' ? 'boolean' : 'string' };
  }
  for (const flag of spec.flags) {
    options[flag.name] = { type: flag.value === undefined ? 'boolean' : 'string' };
  }
  try {
    const parsed = parseArgs({
      args: [...given],
      options,
      allowPositionals: true,
      allowNegative: true,
    });
    return {
      values: new Map(Object.entries(parsed.values as Record<string, string | boolean>)),
      words: parsed.positionals,
    };
  } catch (cause) {
    const problem = `${flagProblemOf(cause)}. See freshet ${spec.name} --help.`;
    throw new FreshetError('bad_usage', { problem }, { cause });
  }
};

/** The first sentence of what the parser says; of a value that is missing in our own words. */
const flagProblemOf = (cause: unknown): string => {
  const [sentence = ''] = cause instanceof Error ? cause.message.split('.') : [];
  const [, flag] = /^Option '(--[\w-]+).*argument (?:missing|is ambiguous)/.exec(sentence) ?? [];
  return flag === undefined ? sentence : `Expected a value after ${flag}, got none`;
};

/** One file of two that are named would otherwise be left out without a word. */
const refuseMoreWords = ({ name, wordsMax = 0 }: CommandSpec, words: readonly string[]): void => {
  if (words.length <= wordsMax) return;
  const expected = wordsMax === 0 ? 'nothing' : wordsMax === 1 ? 'one word' : `${wordsMax} words`;
  throw new FreshetError('bad_usage', {
    problem: `Expected ${expected} after freshet ${name}, got ${words.join(' ')}. See freshet ${name} --help.`,
  });
};

const parseInteger = (
  flag: string,
  given: string | boolean | undefined,
  limits: { min: number; max: number },
): number | undefined => {
  if (given === undefined) return undefined;
  const value = Number(given);
  if (Number.isInteger(value) && value >= limits.min && value <= limits.max) return value;
  throw new FreshetError('bad_usage', {
    problem: `Expected --${flag} to be an integer from ${limits.min} to ${limits.max}, got ${given}.`,
  });
};
