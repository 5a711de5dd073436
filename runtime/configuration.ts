/**
 * From config file, environment and flags to settings: the later wins. Everything that is wrong is
 * named at once, each with where it came from and what was expected.
 */
import { readFileSync } from 'node:fs';
import { FreshetError } from '../schemas/errors.ts';
import {
  environmentNameOf,
  flagOf,
  SETTINGS,
  type Setting,
  type SettingName,
  type Settings,
} from './settings.ts';

export interface ConfigurationSources {
  /** Path given with --config; `freshet.json` is read where it exists. */
  readonly file?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Flags by setting name, as typed. */
  readonly flags: ReadonlyMap<SettingName, string | boolean>;
}

export interface Configuration {
  readonly settings: Settings;
  /** Settings that somebody chose: what differs from silence. */
  readonly chosen: ReadonlySet<SettingName>;
}

const NAMES = Object.keys(SETTINGS) as SettingName[];
const DEFAULT_FILE = 'freshet.json';

export const loadConfiguration = (sources: ConfigurationSources): Configuration => {
  const problems: string[] = [];
  const values = new Map<SettingName, unknown>();
  const take = (name: SettingName, given: unknown, from: string): void => {
    const result = parseValue(SETTINGS[name], given);
    if ('problem' in result) problems.push(`Expected ${from} to be ${result.problem}.`);
    else values.set(name, result.value);
  };

  for (const [key, given] of Object.entries(readConfigFile(sources.file, problems))) {
    if (isSettingName(key)) take(key, given, `${key} in the config file`);
    else problems.push(`Expected only known settings in the config file, got ${key}${hint(key)}.`);
  }
  for (const name of NAMES) {
    const variable = environmentNameOf(name);
    const given = sources.environment[variable];
    if (given !== undefined) take(name, given, variable);
  }
  problems.push(...unknownVariables(sources.environment));
  for (const [name, given] of sources.flags) take(name, given, `--${flagOf(name)}`);

  if (problems.length > 0) throw new FreshetError('bad_settings', { problem: problems.join('\n') });
  return { settings: withDefaults(values), chosen: new Set(values.keys()) };
};

const withDefaults = (values: ReadonlyMap<SettingName, unknown>): Settings => {
  const chosenOr = (name: SettingName): unknown =>
    values.has(name) ? values.get(name) : SETTINGS[name].default;
  const isEmbedded = chosenOr('profile') === 'embedded';
  const settled = (name: SettingName): unknown => {
    const setting: Setting = SETTINGS[name];
    const followed = isEmbedded && 'embeddedAs' in setting ? setting.embeddedAs : undefined;
    return chosenOr(followed === undefined || values.has(name) ? name : followed);
  };
  return Object.fromEntries(NAMES.map((name) => [name, settled(name)])) as Settings;
};

const isSettingName = (key: string): key is SettingName => Object.hasOwn(SETTINGS, key);

type Parsed = { readonly value: unknown } | { readonly problem: string };

/** A config file gives JSON values, environment and flags give texts; both end here. */
const parseValue = (setting: Setting, given: unknown): Parsed => {
  switch (setting.type) {
    case 'integer':
    case 'number':
      return parseNumber(setting, given);
    case 'boolean':
      return parseBoolean(given);
    case 'list':
      return parseList(setting.members, given);
    case 'choice':
      return setting.choices.includes(String(given))
        ? { value: String(given) }
        : { problem: `one of ${setting.choices.join(', ')}, got ${show(given)}` };
    case 'text':
      return parseText(setting, given);
  }
};

const parseNumber = (
  setting: Extract<Setting, { type: 'integer' | 'number' }>,
  given: unknown,
): Parsed => {
  const value = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  const isRightKind =
    typeof value === 'number' &&
    Number.isFinite(value) &&
    (setting.type === 'number' || Number.isInteger(value));
  if (isRightKind && value >= setting.min && value <= setting.max) return { value };
  const kind = setting.type === 'integer' ? 'an integer' : 'a number';
  return {
    problem: `${kind} from ${setting.min} to ${setting.max} (${setting.unit}), got ${show(given)}`,
  };
};

const parseBoolean = (given: unknown): Parsed => {
  if (given === true || given === 'true' || given === '1') return { value: true };
  if (given === false || given === 'false' || given === '0') return { value: false };
  return { problem: `true or false, got ${show(given)}` };
};

const parseList = (members: readonly string[] | undefined, given: unknown): Parsed => {
  const entries = typeof given === 'string' ? given.split(',').map((part) => part.trim()) : given;
  if (!Array.isArray(entries) || entries.some((entry) => typeof entry !== 'string')) {
    return { problem: `a list of texts, got ${show(given)}` };
  }
  const filled = entries.filter((entry) => entry !== '');
  const stranger = members && filled.find((entry) => !members.includes(entry));
  if (stranger !== undefined) {
    return { problem: `members of ${members?.join(', ')}, got ${show(stranger)}` };
  }
  return { value: filled };
};

const parseText = (setting: Extract<Setting, { type: 'text' }>, given: unknown): Parsed => {
  if (typeof given !== 'string') return { problem: `a text, got ${show(given)}` };
  if (setting.pattern && !setting.pattern.expression.test(given)) {
    return { problem: `${setting.pattern.says}, got ${show(given)}` };
  }
  return { value: given };
};

const show = (given: unknown): string => JSON.stringify(given) ?? String(given);

const readConfigFile = (
  path: string | undefined,
  problems: string[],
): Readonly<Record<string, unknown>> => {
  let content: string;
  try {
    content = readFileSync(path ?? DEFAULT_FILE, 'utf8');
  } catch (error) {
    if (path !== undefined)
      problems.push(`Expected ${path} to be readable, got ${message(error)}.`);
    return {};
  }
  try {
    const parsed: unknown = JSON.parse(content);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>;
    }
    problems.push(`Expected ${path ?? DEFAULT_FILE} to hold one JSON object.`);
  } catch (error) {
    problems.push(`Expected ${path ?? DEFAULT_FILE} to hold JSON, got ${message(error)}.`);
  }
  return {};
};

const message = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** A misspelt variable would otherwise be silently without effect. */
const unknownVariables = (
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] => {
  const known = new Set<string>([...NAMES.map(environmentNameOf), ...OTHER_VARIABLES]);
  return Object.keys(environment)
    .filter((variable) => variable.startsWith('FRESHET_') && !known.has(variable))
    .map((variable) => `Expected only known FRESHET_ variables, got ${variable}.`);
};

/** Variables that are not settings: where measuring data lies. */
const OTHER_VARIABLES = ['FRESHET_DATA', 'FRESHET_CRASH_POINT'];

const hint = (key: string): string => {
  const folded = key.toLowerCase().replace(/[^a-z]/g, '');
  const near = NAMES.find((name) => name.toLowerCase() === folded);
  return near ? ` (did you mean ${near}?)` : '';
};
