/**
 * The house rules, executed: who may import whom, what each folder must not touch, names, sizes,
 * words. A rule that only people remember is a rule that is broken next month.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && isPresent(path));

function isPresent(path: string): boolean {
  try {
    readFileSync(join(ROOT, path));
    return true;
  } catch {
    return false;
  }
}

const sources = files.filter((path) => /\.tsx?$/.test(path) && !path.includes('/assembly/'));
const text = new Map(sources.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]));
const read = (path: string): string => text.get(path) ?? '';

const isTest = (path: string): boolean =>
  /\.(test|property\.test|contract|bench)\.tsx?$/.test(path) ||
  path.startsWith('test/') ||
  path.startsWith('bench/');

/** Comments and string contents hold words, not code; imports keep their strings. */
const codeOf = (path: string): string =>
  read(path)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1');

interface Import {
  readonly from: string;
  readonly target: string;
  readonly isTypeOnly: boolean;
  readonly isOurs: boolean;
}

const importsOf = (path: string): readonly Import[] => {
  const found: Import[] = [];
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;
  for (const match of codeOf(path).matchAll(pattern)) {
    const specifier = match[3] ?? match[4] ?? '';
    const isOurs = specifier.startsWith('.');
    const target = isOurs ? relative(ROOT, join(ROOT, dirname(path), specifier)) : specifier;
    found.push({ from: path, target, isTypeOnly: match[2] !== undefined, isOurs });
  }
  return found;
};

const PORTS = ['event-log', 'state-store', 'warehouse', 'artifact-store', 'live-bus'];
const isPortOrContract = (path: string): boolean =>
  PORTS.some((port) => path === `storage/${port}/${port}.ts`) ||
  path.endsWith('.contract.ts') ||
  path === 'storage/event-log/partitioner.ts' ||
  path === 'storage/event-log/partition-ownership.ts' ||
  path === 'storage/event-log/partition-slices.ts' ||
  path === 'storage/event-log/promotion-follower.ts';

/** The package that is imported, also where a file within it is. */
const libraryOf = (target: string): string =>
  target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');

/** What a file may import of ours, by the folder that it is in. */
const mayImport = (from: string, target: string): boolean => {
  const folder = from.split('/')[0];
  const targetFolder = target.split('/')[0] ?? '';
  if (folder === 'runtime' || isTest(from) || !from.includes('/')) return true;
  switch (folder) {
    case 'schemas':
      return targetFolder === 'schemas';
    case 'algorithms':
      return targetFolder === 'algorithms' || target === 'schemas/ids.ts';
    case 'storage':
      return targetFolder === 'schemas' || mayImportInStorage(from, target);
    case 'ingest':
    case 'stream':
    case 'training':
    case 'serving':
    case 'evaluation':
      return [folder, 'schemas', 'algorithms'].includes(targetFolder) || isPortOrContract(target);
    case 'ui':
      return targetFolder === 'ui' || targetFolder === 'schemas';
    default:
      return false;
  }
};

const mayImportInStorage = (from: string, target: string): boolean => {
  if (isPortOrContract(from)) return isPortOrContract(target);
  const targetFolder = portFolder(target);
  return targetFolder === portFolder(from) || SHARED[targetFolder]?.test(from) === true;
};

/** What the adapters of one server or library share, whatever their port: how it is reached, how it fails. */
const SHARED: Readonly<Record<string, RegExp>> = {
  'storage/redis': /^storage\/(state-store|live-bus)\//,
  'storage/clickhouse': /^storage\/(warehouse|artifact-store)\//,
  'storage/lmdb': /^storage\/(event-log|state-store)\//,
};

const portFolder = (path: string): string => path.split('/').slice(0, 2).join('/');

describe('imports', () => {
  it('each folder imports only what the table allows', () => {
    const broken = sources
      .flatMap(importsOf)
      .filter(({ isOurs }) => isOurs)
      .filter(({ from, target }) => !mayImport(from, target))
      .map(({ from, target }) => `${from} imports ${target}`);
    expect(broken).toEqual([]);
  });

  it('a client library is imported by its adapter alone', () => {
    const owners: Readonly<Record<string, RegExp>> = {
      lmdb: /^storage\/(event-log|state-store)\//,
      '@clickhouse/client': /^storage\/(clickhouse|warehouse|artifact-store)\//,
      'ffi-rs': /^storage\/warehouse\//,
      kafkajs: /^storage\/event-log\/kafka\//,
      ioredis: /^storage\/(redis|state-store|live-bus)\//,
      avsc: /^schemas\/avro\//,
      react: /^ui\//,
    };
    const broken = sources
      .filter((path) => !isTest(path))
      .flatMap(importsOf)
      .filter(({ from, target }) => {
        const owner = owners[libraryOf(target)];
        return owner !== undefined && !owner.test(from);
      })
      .map(({ from, target }) => `${from} imports ${target}`);
    expect(broken).toEqual([]);
  });

  it('no file imports itself through others', () => {
    const graph = new Map<string, readonly string[]>(
      sources.map((path) => [
        path,
        importsOf(path)
          .filter(({ isTypeOnly }) => !isTypeOnly)
          .map(({ target }) => target)
          .filter((target) => text.has(target)),
      ]),
    );
    expect(findCycle(graph)).toBeUndefined();
  });
});

const findCycle = (graph: ReadonlyMap<string, readonly string[]>): string | undefined => {
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' → ');
    if (done.has(path)) return undefined;
    for (const next of graph.get(path) ?? []) {
      const cycle = walk(next, [...trail, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of graph.keys()) {
    const cycle = walk(path, []);
    if (cycle) return cycle;
  }
  return undefined;
};

/** Each of the world's doors has one file that owns it. */
const DOORS: readonly { readonly what: RegExp; readonly owners: readonly string[] }[] = [
  { what: /\bDate\.now\b|\bnew Date\(\)/, owners: ['runtime/clock.ts', 'ui/store/clock.ts'] },
  { what: /\bMath\.random\b/, owners: [] },
  // The page's bundler is told by that name which branch of React to keep.
  { what: /\bprocess\.env\b/, owners: ['runtime/environment.ts', 'ui/build.ts'] },
  { what: /\bconsole\./, owners: ['runtime/terminal.ts'] },
  { what: /\bperformance\.now\b/, owners: ['runtime/clock.ts', 'ui/store/clock.ts'] },
];

describe('what a file may touch', () => {
  for (const { what, owners } of DOORS) {
    it(`${what.source} appears only in ${owners.join(', ') || 'no file'}`, () => {
      const broken = sources
        .filter((path) => !isTest(path) && !owners.includes(path))
        .filter((path) => what.test(codeOf(path)));
      expect(broken).toEqual([]);
    });
  }

  it('algorithms touch no file, network, thread or process', () => {
    const broken = sources
      .filter((path) => path.startsWith('algorithms/') && !isTest(path))
      .flatMap(importsOf)
      .filter(({ target }) => target.startsWith('node:'))
      .filter(
        ({ from, target }) =>
          !(
            /^algorithms\/kernels\/kernel-(pool|worker)\.ts$/.test(from) &&
            target === 'node:worker_threads'
          ),
      )
      .map(({ from, target }) => `${from} imports ${target}`);
    expect(broken).toEqual([]);
  });

  it('types are never switched off and tests never focused', () => {
    const banned = /@ts-ignore|@ts-nocheck|:\s*any\b|\bas any\b|<any>|\.only\(/;
    const broken = sources
      .filter((path) => path !== 'test/architecture.test.ts')
      .filter((path) => banned.test(codeOf(path)) || /@ts-(ignore|nocheck)/.test(read(path)));
    expect(broken).toEqual([]);
  });

  it('nothing is left for later', () => {
    const later = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`);
    expect(sources.filter((path) => later.test(read(path)))).toEqual([]);
  });
});

describe('names and sizes', () => {
  it('files are kebab-case nouns', () => {
    const broken = sources.filter(
      (path) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z-]+)*\.tsx?$/.test(basename(path)),
    );
    expect(broken).toEqual([]);
  });

  it('no file is a drawer for everything', () => {
    const drawers = /(^|\/)(utils?|helpers?|common|managers?|misc)(\/|[.-]|$)/;
    expect(sources.filter((path) => drawers.test(path))).toEqual([]);
  });

  it('a file stays below 500 lines', () => {
    const broken = sources
      .filter((path) => !isTest(path))
      .map((path) => ({ path, lines: read(path).split('\n').length }))
      .filter(({ lines }) => lines > 500)
      .map(({ path, lines }) => `${path}: ${lines}`);
    expect(broken).toEqual([]);
  });

  it('no committed file is larger than a megabyte', () => {
    const broken = files.filter(
      (path) => readFileSync(join(ROOT, path)).length > 1_048_576 && path !== 'package-lock.json',
    );
    expect(broken).toEqual([]);
  });
});

describe('words', () => {
  it('every error code has a sentence in the form of the table', async () => {
    const { ERRORS } = await import('../schemas/errors.ts');
    const odd = Object.entries(ERRORS)
      .filter(([, spec]) => !/[.}:]$|found none\.$/.test(spec.template))
      .map(([code]) => code);
    expect(odd).toEqual([]);
  });

  it('every setting has help, and its names are unique', async () => {
    const { SETTINGS, environmentNameOf, flagOf } = await import('../runtime/settings.ts');
    type Name = keyof typeof SETTINGS;
    const names = Object.keys(SETTINGS) as Name[];
    expect(names.filter((name) => SETTINGS[name].help.length < 20)).toEqual([]);
    expect(new Set(names.map(flagOf)).size).toBe(names.length);
    expect(new Set(names.map(environmentNameOf)).size).toBe(names.length);
  });
});
