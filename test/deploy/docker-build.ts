/**
 * Does what a Dockerfile says where there is no container engine: each stage is a folder, COPY and RUN
 * work in it, and what the last stage holds can be started as a plain process. Knows the instructions
 * that ours uses and refuses the rest. RUN runs as whoever runs this, on this machine's programs: so
 * lines that only make sense as root of a container (`chown`) are left out by name.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, matchesGlob, relative } from 'node:path';

export interface Instruction {
  readonly word: string;
  readonly rest: string;
}

export interface BuiltImage {
  /** The folder that stands for the image's `/`. */
  readonly root: string;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  readonly user: string;
}

export const instructionsOf = (dockerfile: string): readonly Instruction[] =>
  dockerfile
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [word = '', ...rest] = line.split(/\s+/);
      return { word: word.toUpperCase(), rest: rest.join(' ') };
    });

/** What the engine would be sent: everything that `.dockerignore` does not leave out, last match wins. */
export const contextFiles = (files: readonly string[], dockerignore: string): readonly string[] => {
  const rules = dockerignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ isKept: line.startsWith('!'), pattern: line.replace(/^!/, '') }));
  const isSent = (file: string): boolean =>
    rules.reduce((sent, { isKept, pattern }) => (covers(pattern, file) ? isKept : sent), true);
  return files.filter(isSent);
};

/** A pattern covers a file, or a folder that it lies in. */
const covers = (pattern: string, file: string): boolean => {
  for (let path = file; path !== '.'; path = dirname(path)) {
    if (matchesGlob(path, pattern)) return true;
  }
  return false;
};

interface Stage {
  readonly root: string;
  workingDirectory: string;
  environment: Record<string, string>;
}

export const buildImage = (repository: string, target: string): BuiltImage => {
  const stages = new Map<string, Stage>();
  let current: Stage | undefined;
  const facts = {
    entrypoint: [] as string[],
    command: [] as string[],
    healthCheck: [] as string[],
  };
  let user = '';
  const sent = new Set(
    contextFiles(filesOf(repository), readFileSync(join(repository, '.dockerignore'), 'utf8')),
  );
  const stage = (): Stage => {
    if (current === undefined) throw new Error('Expected FROM to come first');
    return current;
  };
  for (const { word, rest } of instructionsOf(
    readFileSync(join(repository, 'Dockerfile'), 'utf8'),
  )) {
    switch (word) {
      case 'FROM': {
        const name = / AS (\S+)$/i.exec(rest)?.[1] ?? 'last';
        current = { root: join(target, name), workingDirectory: '/', environment: {} };
        mkdirSync(current.root, { recursive: true });
        stages.set(name, current);
        break;
      }
      case 'WORKDIR':
        stage().workingDirectory = rest;
        mkdirSync(join(stage().root, rest), { recursive: true });
        break;
      case 'COPY':
        copy(rest, { stage: stage(), stages, repository, sent });
        break;
      case 'RUN':
        if (!rest.includes('chown')) run(rest, stage());
        break;
      case 'ENV':
        for (const [, name = '', value = ''] of rest.matchAll(/(\S+?)=(\S+)/g)) {
          stage().environment[name] = value;
        }
        break;
      case 'USER':
        user = rest;
        break;
      case 'HEALTHCHECK':
        facts.healthCheck = wordsOf(rest.slice(rest.indexOf('CMD') + 'CMD'.length));
        break;
      case 'ENTRYPOINT':
        facts.entrypoint = wordsOf(rest);
        break;
      case 'CMD':
        facts.command = wordsOf(rest);
        break;
      case 'VOLUME':
      case 'EXPOSE':
      case 'STOPSIGNAL':
        break;
      default:
        throw new Error(`Expected a known instruction, got ${word}`);
    }
  }
  return { ...stage(), ...facts, user };
};

const filesOf = (repository: string): readonly string[] =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
    .split('\n')
    .filter((file) => file !== '');

const wordsOf = (json: string): string[] => JSON.parse(json) as string[];

const copy = (
  words: string,
  given: {
    readonly stage: Stage;
    readonly stages: ReadonlyMap<string, Stage>;
    readonly repository: string;
    readonly sent: ReadonlySet<string>;
  },
): void => {
  const { stage, stages, repository, sent } = given;
  const from = /^--from=(\S+) /.exec(words)?.[1];
  const paths = words.replace(/^--from=\S+ /, '').split(' ');
  const to = paths.pop() ?? '';
  const into = to.startsWith('/')
    ? join(stage.root, to)
    : join(stage.root, stage.workingDirectory, to);
  for (const path of paths) {
    if (from !== undefined) {
      cpSync(join(stages.get(from)?.root ?? '', path), into, {
        recursive: true,
        preserveTimestamps: true,
      });
      continue;
    }
    const files = [...sent].filter((file) => file === path || file.startsWith(`${path}/`));
    if (files.length === 0) throw new Error(`Expected ${path} to be sent to the engine`);
    for (const file of files) {
      const place = file === path ? file : relative(path, file);
      mkdirSync(dirname(join(into, place)), { recursive: true });
      cpSync(join(repository, file), join(into, place), { preserveTimestamps: true });
    }
  }
};

const run = (script: string, { root, workingDirectory }: Stage): void => {
  execFileSync('/bin/sh', ['-ec', script], {
    cwd: join(root, workingDirectory),
    env: {
      ...process.env,
      // The Node.js of this process, which is the image's version.
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      npm_config_loglevel: 'error',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
};

/** The words of a command with the image's paths turned into this machine's. */
export const onThisMachine = (image: BuiltImage, words: readonly string[]): readonly string[] =>
  words.map((word) => (word.startsWith('/') ? join(image.root, word) : word));

export const bytesOf = (root: string): number =>
  globSync('**/*', { cwd: root, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + readFileSync(join(entry.parentPath, entry.name)).length, 0);
