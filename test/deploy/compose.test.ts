/** `docker-compose.yml` and the Dockerfile against what the program knows and what a site may expect. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import packageJson from '../../package.json' with { type: 'json' };
import { parseCommandLine } from '../../runtime/cli/command.ts';
import { startCommand } from '../../runtime/cli/start-command.ts';
import { systemClock } from '../../runtime/clock.ts';
import { ROLES } from '../../runtime/settings.ts';
import { createTerminal } from '../../runtime/terminal.ts';
import { compose, contentOf, OWN_IMAGE, REPOSITORY, type Service } from './compose-file.ts';
import { instructionsOf } from './docker-build.ts';

const services = Object.entries(compose.services);
const roles = services.filter(([, { image }]) => image === OWN_IMAGE);

const startOf = ({ command = [], environment = {} }: Service) => {
  const [name, ...words] = command;
  expect(name).toBe(startCommand.name);
  return parseCommandLine(startCommand, words, {
    environment,
    clock: systemClock,
    terminal: createTerminal(systemClock),
    stopping: new AbortController().signal,
  });
};

const isRunningOn = ({ restart }: Service): boolean => restart !== 'no';

describe('docker-compose.yml', () => {
  it.each(services)('%s has an exact version, and limits', (_name, service) => {
    expect(service.image).toMatch(/:v?\d+(\.\d+){2,3}(-[a-z]+)?$/);
    expect(service.mem_limit).toMatch(/^\d+[mg]$/);
    expect(service.cpus).toBeGreaterThan(0);
  });

  it.each(services)('%s can write nothing but its volumes, and gain no rights', (name, service) => {
    expect(service.read_only).toBe(true);
    expect(service.cap_drop).toEqual(['ALL']);
    expect(service.security_opt).toEqual(['no-new-privileges:true']);
    if (isRunningOn(service) && service.image !== OWN_IMAGE) {
      expect(service.user, name).toMatch(/^[1-9]\d*:\d+$/);
    }
  });

  it.each(services.filter(([, service]) => isRunningOn(service)))(
    '%s is asked how it is',
    (_name, { healthcheck }) => {
      expect(healthcheck?.test.length).toBeGreaterThan(1);
    },
  );

  it('publishes one port, of the balancer, on loopback unless it is told otherwise', () => {
    const published = services.filter(([, { ports }]) => ports !== undefined);
    expect(published.map(([name]) => name)).toEqual(['balancer']);
    expect(published[0]?.[1].ports).toEqual([`\${FRESHET_PUBLISH:-127.0.0.1:8090}:8090`]);
    const outside = services.filter(([, { networks }]) => networks?.includes('outside'));
    expect(outside.map(([name]) => name)).toEqual(['balancer']);
    expect(compose.networks.servers?.internal).toBe(true);
    expect(compose.networks.site?.internal).toBe(true);
  });

  it('names only files, volumes, networks and services that there are', () => {
    for (const [name, { volumes = [], networks = [], depends_on = {} }] of services) {
      for (const source of volumes.map((volume) => volume.split(':')[0] ?? '')) {
        if (source.startsWith('./')) {
          expect(existsSync(join(REPOSITORY, source)), `${name}: ${source}`).toBe(true);
        } else if (!source.startsWith('/')) {
          expect(Object.keys(compose.volumes), name).toContain(source);
        }
      }
      expect(Object.keys(compose.networks), name).toEqual(expect.arrayContaining([...networks]));
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const isEnding = compose.services[other]?.restart === 'no';
        expect(condition, `${name}: ${other}`).toBe(
          isEnding ? 'service_completed_successfully' : 'service_healthy',
        );
      }
    }
  });

  it('shows no password in an environment: each stands in a file', () => {
    for (const [name, { environment = {} }] of services) {
      for (const [variable, value] of Object.entries(environment)) {
        if (/PASSWORD|SECRET|TOKEN/.test(variable)) {
          expect(value, `${name}: ${variable}`).toMatch(/^\/run\/passwords\//);
        }
      }
    }
  });
});

describe('the roles of docker-compose.yml', () => {
  it('start with words and variables that the program knows, on the servers', () => {
    expect(roles.length).toBeGreaterThanOrEqual(ROLES.length);
    for (const [, service] of roles) {
      const { settings } = startOf(service).configuration;
      expect(settings.profile).toBe('distributed');
      expect(settings.kafkaBrokers).toEqual(['kafka:9092']);
      expect(Object.keys(compose.services)).toContain(new URL(settings.redisUrls[0]!).hostname);
      expect(Object.keys(compose.services)).toContain(new URL(settings.clickhouseUrl).hostname);
    }
  });

  it('are a process each, under its own name', () => {
    for (const role of ROLES) {
      expect(startOf(compose.services[role]!).configuration.settings.roles).toEqual([role]);
    }
  });

  it('bring the demo by one process, which keeps what it did in a volume', () => {
    const bringing = roles.filter(([, service]) => !startOf(service).isOn('empty'));
    expect(bringing.map(([name]) => name)).toEqual(['demo']);
    expect(compose.services.demo?.volumes).toContain('demo-data:/data');
  });

  it('share no data folder', () => {
    for (const role of ROLES) expect(compose.services[role]?.volumes).toContain('/data');
  });

  it('are all watched', () => {
    const { scrape_configs } = parse(contentOf('deploy', 'watching', 'prometheus.yml')) as {
      scrape_configs: { dns_sd_configs: { names: string[] }[] }[];
    };
    const watched = scrape_configs.flatMap(({ dns_sd_configs }) =>
      dns_sd_configs.flatMap(({ names }) => names),
    );
    expect(watched.sort()).toEqual(roles.map(([name]) => name).sort());
  });
});

describe('Dockerfile', () => {
  const instructions = instructionsOf(contentOf('Dockerfile'));

  it('stands on the Node.js that the program is tested with', () => {
    const bases = instructions.filter(({ word }) => word === 'FROM').map(({ rest }) => rest);
    for (const base of bases) {
      expect(base).toMatch(new RegExp(`^node:${packageJson.dependencies.node}-bookworm-slim( |$)`));
    }
  });

  it('sets only variables that the program knows', () => {
    const variables = instructions
      .filter(({ word }) => word === 'ENV')
      .flatMap(({ rest }) => [...rest.matchAll(/(FRESHET_\w+)=(\S+)/g)])
      .map(([, name = '', value = '']): [string, string] => [name, value]);
    expect(variables.length).toBeGreaterThan(0);
    const command = [startCommand.name, '--empty'];
    const { settings } = startOf({
      image: OWN_IMAGE,
      command,
      environment: Object.fromEntries(variables),
    }).configuration;
    expect(settings.host).toBe('0.0.0.0');
    expect(settings.dataDirectory).toBe('/data');
  });
});
