/** What `freshet help` and `freshet COMMAND --help` print: the commands, their flags, every setting. */
import { flagOf, SETTINGS, type Setting, type SettingName } from '../settings.ts';
import { formatBytes } from '../terminal.ts';
import type { CommandSpec } from './command.ts';
import { COMMANDS } from './commands.ts';
import { startCommand } from './start-command.ts';

const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

export const overview = (): string =>
  [
    'freshet: recommendations as fresh as the last click',
    '',
    ...table(COMMANDS.map(({ name, summary }): Row => [name, summary])),
    '',
    'freshet COMMAND --help tells more.',
  ].join('\n');

export const helpOf = (spec: CommandSpec): string => {
  const flags = spec.flags.map(
    ({ name, value, help }): Row => [`--${name}${value ? ` ${value}` : ''}`, help],
  );
  return [
    `freshet ${spec.name}${spec.usage ? ` ${spec.usage}` : ''}`,
    '',
    spec.summary,
    ...(flags.length > 0 ? ['', 'Flags', ...table(flags)] : []),
    '',
    'Examples',
    ...spec.examples.map((example) => `  ${example}`),
    '',
    'Settings (also in freshet.json by name, or as FRESHET_… in the environment)',
    ...(spec === startCommand ? allSettings() : mainSettings()),
  ].join('\n');
};

const CONFIG: Row = ['--config FILE', 'Config file (freshet.json where it exists)'];

const allSettings = (): readonly string[] => table([CONFIG, ...SETTING_NAMES.map(settingRow)]);

/** Every command takes all of them; where the data lies is what most of them need. */
const mainSettings = (): readonly string[] => [
  ...table([CONFIG, settingRow('dataDirectory')]),
  '  and all others that freshet start --help lists.',
];

export const settingRow = (name: SettingName): Row => {
  const setting: Setting = SETTINGS[name];
  const flag = flagOf(name);
  const isOnByDefault = setting.type === 'boolean' && setting.default;
  const facts = [...limitsOf(setting), `default ${defaultOf(setting)}`].join('; ');
  return [isOnByDefault ? `--[no-]${flag}` : `--${flag}`, `${setting.help} (${facts})`];
};

const limitsOf = (setting: Setting): readonly string[] => {
  switch (setting.type) {
    case 'integer':
    case 'number':
      return [`${setting.unit}, ${setting.min} to ${setting.max}`];
    case 'choice':
      return [`one of ${setting.choices.join(', ')}`];
    case 'list':
      return setting.members ? [`some of ${setting.members.join(', ')}`] : ['with commas between'];
    case 'text':
    case 'boolean':
      return [];
  }
};

const defaultOf = (setting: Setting): string => {
  const given = String(setting.default) || 'none';
  if (setting.type === 'list' && setting.members) return 'all';
  if ('embeddedAs' in setting && setting.embeddedAs !== undefined) {
    return `${given}, embedded as --${flagOf(setting.embeddedAs)}`;
  }
  const isBytes = 'unit' in setting && setting.unit === 'bytes';
  return isBytes ? `${given}, which is ${formatBytes(setting.default)}` : given;
};

type Row = readonly [left: string, right: string];

const table = (rows: readonly Row[]): readonly string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};
