import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFreshetError } from '../schemas/errors.ts';
import { type ConfigurationSources, loadConfiguration } from './configuration.ts';
import type { SettingName } from './settings.ts';

describe('configuration', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'freshet-configuration-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const load = (
    sources: Partial<Omit<ConfigurationSources, 'file'>> & { content?: string },
  ): ReturnType<typeof loadConfiguration> => {
    const file = join(directory, 'freshet.json');
    writeFileSync(file, sources.content ?? '{}');
    return loadConfiguration({
      file,
      environment: sources.environment ?? {},
      flags: sources.flags ?? new Map(),
    });
  };

  const problemOf = (sources: Parameters<typeof load>[0]): string => {
    try {
      load(sources);
    } catch (error) {
      if (isFreshetError(error, 'bad_settings')) return error.message;
      throw error;
    }
    throw new Error('Expected the settings to be refused');
  };

  it('takes flags over environment over file over defaults', () => {
    const { settings, chosen } = load({
      content: '{"port": 1000, "host": "0.0.0.0", "userPartitions": 2}',
      environment: { FRESHET_PORT: '2000', FRESHET_HOST: '127.0.0.2' },
      flags: new Map<SettingName, string>([['port', '3000']]),
    });
    expect(settings).toMatchObject({
      port: 3000,
      host: '127.0.0.2',
      userPartitions: 2,
      itemPartitions: 1,
    });
    expect(chosen).toEqual(new Set(['port', 'host', 'userPartitions']));
  });

  it('has a partition for each stream worker where everything is on one machine, unless told otherwise', () => {
    const partitionsOf = (...flags: readonly [SettingName, string][]): readonly number[] => {
      const { userPartitions, itemPartitions } = load({ flags: new Map(flags) }).settings;
      return [userPartitions, itemPartitions];
    };
    expect(partitionsOf()).toEqual([1, 1]);
    expect(partitionsOf(['streamWorkers', '3'])).toEqual([3, 3]);
    expect(partitionsOf(['streamWorkers', '3'], ['itemPartitions', '5'])).toEqual([3, 5]);
    expect(partitionsOf(['profile', 'distributed'])).toEqual([4, 4]);
  });

  it('names everything that is wrong at once, and where it came from', () => {
    const problem = problemOf({
      content: '{"port": "many", "hosts": "x", "warehouse": "perhaps"}',
      environment: { FRESHET_USER_PARTITIONS: '0', FRESHET_PROT: '1' },
      flags: new Map<SettingName, string>([
        ['logLevel', 'loud'],
        ['roles', 'ingest,cooking'],
      ]),
    });
    expect(problem.split('\n')).toEqual([
      'Expected port in the config file to be an integer from 0 to 65535 (port), got "many".',
      'Expected only known settings in the config file, got hosts.',
      'Expected warehouse in the config file to be true or false, got "perhaps".',
      'Expected FRESHET_USER_PARTITIONS to be an integer from 1 to 64 (partitions), got "0".',
      'Expected only known FRESHET_ variables, got FRESHET_PROT.',
      'Expected --log-level to be one of debug, info, warn, error, silent, got "loud".',
      'Expected --roles to be members of ingest, stream, serving, training, got "cooking".',
    ]);
  });

  it('suggests the setting that was meant', () => {
    expect(problemOf({ content: '{"user_partitions": 3}' })).toContain(
      'did you mean userPartitions?',
    );
  });

  it('says when the config file is not JSON or not there', () => {
    expect(problemOf({ content: '{port: 1}' })).toMatch(/^Expected .* to hold JSON, got /);
    expect(() =>
      loadConfiguration({ file: join(directory, 'none.json'), environment: {}, flags: new Map() }),
    ).toThrow(/Expected .*none\.json to be readable/);
  });

  it('reads lists from commas', () => {
    const { settings } = load({
      environment: { FRESHET_ALLOWED_ORIGINS: 'https://a.example, https://b.example' },
    });
    expect(settings.allowedOrigins).toEqual(['https://a.example', 'https://b.example']);
  });
});
