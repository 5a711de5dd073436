/**
 * Others' Kafka client in Python, from the package index into an environment of its own in the user's
 * cache directory, once. Python comes from the system's packages where it is missing.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages } from './debian-program.ts';
import { SERVICES_CACHE } from './maven-programs.ts';
import { programOutput } from './program-output.ts';

const PACKAGES = ['confluent-kafka[avro,schemaregistry]==2.16.1'];
const SCRIPT = join(import.meta.dirname, 'avro_client.py');

export interface ProducedAnswer {
  readonly written: number;
  readonly failures: readonly string[];
  readonly schemaIds: readonly number[];
}

export interface AvroProduction {
  readonly bootstrap: string;
  readonly topic: string;
  readonly registry: string;
  readonly schema: object;
  readonly records: readonly object[];
  /** Written as they are, after the records. */
  readonly raw?: readonly Uint8Array[];
}

export const produceByPython = async (production: AvroProduction): Promise<ProducedAnswer> => {
  const raw = (production.raw ?? []).map((each) => Buffer.from(each).toString('base64'));
  const said = await runPython({ ...production, do: 'produce', raw });
  return JSON.parse(said) as ProducedAnswer;
};

/** All records of a topic, as another reads them by the schema. */
export const consumeByPython = async (wanted: {
  readonly bootstrap: string;
  readonly topic: string;
  readonly group: string;
  readonly schema: object;
}): Promise<readonly unknown[]> => {
  const said = await runPython({ ...wanted, do: 'consume' });
  return said
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
};

const runPython = (order: object): Promise<string> =>
  programOutput('The Python client', [installPython(), SCRIPT], JSON.stringify(order));

/** Whole or not at all: environments cannot be moved, so the mark that it is whole is made last. */
const installPython = (): string => {
  const version = createHash('sha256').update(PACKAGES.join(' ')).digest('hex').slice(0, 8);
  const directory = join(SERVICES_CACHE, `python-${version}`);
  const python = join(directory, 'bin', 'python');
  const whole = join(directory, 'whole');
  if (existsSync(whole)) return python;
  mkdirSync(SERVICES_CACHE, { recursive: true });
  rmSync(directory, { recursive: true, force: true });
  installVenv();
  execFileSync('python3', ['-m', 'venv', directory], { stdio: 'inherit' });
  const quiet = ['--quiet', '--disable-pip-version-check'];
  execFileSync(python, ['-m', 'pip', 'install', ...quiet, ...PACKAGES], { stdio: 'inherit' });
  writeFileSync(whole, '');
  return python;
};

const installVenv = (): void => {
  try {
    execFileSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' });
  } catch {
    installPackages('python3', 'python3-venv');
  }
};
