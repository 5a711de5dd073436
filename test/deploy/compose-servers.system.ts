/** The scripts and files that the compose file starts others' servers with, as plain processes. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installed } from '../services/debian-program.ts';
import { freePort } from '../services/free-port.ts';
import { installKafka } from '../services/kafka-installation.ts';
import { startProcess } from '../services/server-process.ts';

const compose = join(import.meta.dirname, '..', '..', 'deploy', 'compose');
const folder = mkdtempSync(join(tmpdir(), 'freshet-compose-'));
const STORAGE_TOOL = 'kafka.tools.StorageTool';
const passwords = join(folder, 'passwords');

const makePasswords = (): readonly string[] => {
  execFileSync('/bin/sh', [join(compose, 'make-passwords.sh'), passwords]);
  return ['redis', 'grafana'].map((name) =>
    readFileSync(join(passwords, name, 'password'), 'utf8'),
  );
};

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('passwords', () => {
  it('are made once, each another, readable by whoever is given the folder', () => {
    for (const name of ['redis', 'grafana']) mkdirSync(join(passwords, name), { recursive: true });
    const made = makePasswords();
    for (const password of made) expect(password).toMatch(/^[0-9a-f]{48}$/);
    expect(new Set(made).size).toBe(2);
    expect(makePasswords()).toEqual(made);
    expect(statSync(join(passwords, 'redis', 'password')).mode & 0o777).toBe(0o444);
  });
});

describe('Redis', () => {
  it('asks for the password, writes to its file and never evicts', async () => {
    const [password = ''] = makePasswords();
    const program = installed({ package: 'redis-server', program: '/usr/bin/redis-server' });
    const [run, data] = ['run', 'data'].map((name) => join(folder, name));
    for (const place of [run!, data!]) mkdirSync(place);
    const port = await freePort();
    const file = join(passwords, 'redis', 'password');
    const redis = await startProcess({
      name: 'Redis',
      command: '/bin/sh',
      args: [join(compose, 'start-redis.sh'), file, run!, data!, '--port', String(port)],
      env: { PATH: `${join(program, '..')}:${process.env.PATH}` },
      readyWhen: /Ready to accept connections/,
    });
    const ask = (words: readonly string[], environment: Record<string, string> = {}): string =>
      execFileSync('redis-cli', ['-p', String(port), ...words], {
        encoding: 'utf8',
        env: { ...process.env, ...environment },
      });
    const own = { REDISCLI_AUTH: password };
    expect(ask(['ping'])).toContain('NOAUTH');
    expect(ask(['ping'], own)).toContain('PONG');
    expect(ask(['config', 'get', 'maxmemory-policy'], own)).toContain('noeviction');
    expect(ask(['config', 'get', 'appendonly'], own)).toContain('yes');
    const words = readFileSync(`/proc/${redis.pid}/cmdline`, 'utf8');
    expect(words).toContain('redis-server');
    expect(words).not.toContain(password);
    expect(await redis.stop()).toBe(0);
  });
});

describe('Kafka', () => {
  it('takes the properties', () => {
    const { classPath, loggingFile } = installKafka();
    const data = join(folder, 'kafka');
    const properties = readFileSync(join(compose, 'kafka.properties'), 'utf8');
    const file = join(folder, 'kafka.properties');
    writeFileSync(file, properties.replace(/^log\.dirs=.*$/m, `log.dirs=${data}`));
    const script = readFileSync(join(compose, 'start-kafka.sh'), 'utf8');
    const [, clusterId = ''] = /CLUSTER_ID:-([\w-]+)/.exec(script) ?? [];
    const words = ['format', '--ignore-formatted', '--cluster-id', clusterId, '--config', file];
    const said = execFileSync(
      'java',
      [`-Dlog4j2.configurationFile=${loggingFile}`, '-cp', classPath, STORAGE_TOOL, ...words],
      { encoding: 'utf8' },
    );
    expect(said).toContain(data);
    expect(readFileSync(join(data, 'meta.properties'), 'utf8')).toContain(
      `cluster.id=${clusterId}`,
    );
  });
});
