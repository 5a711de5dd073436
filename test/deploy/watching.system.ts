/** Rules and configuration of Prometheus by its own tool; dashboards' questions, too. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { installed } from '../services/debian-program.ts';

const watching = join(import.meta.dirname, '..', '..', 'deploy', 'watching');
let promtool = '';
const ask = (...words: readonly string[]): string =>
  execFileSync(promtool, words, { cwd: watching, encoding: 'utf8' });

beforeAll(() => {
  promtool = installed({ package: 'prometheus', program: '/usr/bin/promtool' });
});

describe('Prometheus', () => {
  it('takes the configuration and the rules', () => {
    expect(ask('check', 'config', 'prometheus.yml')).toContain('SUCCESS');
  });

  it('alarms when it should and only then', () => {
    expect(ask('test', 'rules', 'alerts.test.yml')).toContain('SUCCESS');
  });

  it('understands what the dashboard asks', () => {
    const folder = mkdtempSync(join(tmpdir(), 'freshet-dashboard-'));
    const dashboards = join(watching, 'grafana', 'dashboards');
    const rules = readdirSync(dashboards)
      .flatMap((file) => {
        const { panels } = JSON.parse(readFileSync(join(dashboards, file), 'utf8')) as {
          panels: { targets: { expr: string }[] }[];
        };
        return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      })
      .map((expr, index) => ({ record: `dashboard:question:${index}`, expr }));
    // JSON is YAML.
    const file = join(folder, 'questions.yml');
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
    expect(ask('check', 'rules', file)).toContain(`${rules.length} rules found`);
    rmSync(folder, { recursive: true });
  });
});
