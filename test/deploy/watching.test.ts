/** What Prometheus and Grafana ask for against what the program says of itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const watching = join(import.meta.dirname, '..', '..', 'deploy', 'watching');
const told = readFileSync(
  join(import.meta.dirname, '..', '..', 'runtime', 'system-report.ts'),
  'utf8',
);

const familiesIn = (text: string): readonly string[] => [
  ...new Set([...text.matchAll(/\bfreshet_([a-z_]+)/g)].map(([, name = '']) => name)),
];
const FAMILIES = [...told.matchAll(/(?:gauge\(|name: )'([a-z_]+)'/g)].map(([, name = '']) => name);

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const rulesOf = (file: string): readonly Rule[] =>
  (
    parse(readFileSync(join(watching, file), 'utf8')) as { groups: { rules: Rule[] }[] }
  ).groups.flatMap(({ rules }) => rules);

describe('what is watched', () => {
  it('is told by the program', () => {
    expect(FAMILIES).toContain('stream_lag_records');
    const expressions = rulesOf('alerts.yml').map(({ expr }) => expr);
    const dashboards = readdirSync(join(watching, 'grafana', 'dashboards')).map((file) =>
      readFileSync(join(watching, 'grafana', 'dashboards', file), 'utf8'),
    );
    for (const text of [...expressions, ...dashboards]) {
      expect(FAMILIES).toEqual(expect.arrayContaining([...familiesIn(text)]));
    }
  });

  it('has a test for every alert', () => {
    const tests = readFileSync(join(watching, 'alerts.test.yml'), 'utf8');
    const tried = new Set([...tests.matchAll(/alertname: (\w+)/g)].map(([, name]) => name));
    expect(rulesOf('alerts.yml').map(({ alert }) => alert)).toEqual(
      expect.arrayContaining([...tried]),
    );
    for (const { alert } of rulesOf('alerts.yml')) expect(tried).toContain(alert);
  });
});

describe('the dashboard', () => {
  it('asks the data source that is provisioned, each panel in a place of its own', () => {
    const dashboard = JSON.parse(
      readFileSync(join(watching, 'grafana', 'dashboards', 'freshet.json'), 'utf8'),
    ) as {
      panels: {
        id: number;
        datasource: { uid: string };
        gridPos: { x: number; y: number };
        targets: { expr: string }[];
      }[];
    };
    const { datasources } = parse(
      readFileSync(
        join(watching, 'grafana', 'provisioning', 'datasources', 'prometheus.yml'),
        'utf8',
      ),
    ) as { datasources: { uid: string }[] };
    const places = dashboard.panels.map(({ gridPos }) => `${gridPos.x},${gridPos.y}`);
    expect(new Set(places).size).toBe(dashboard.panels.length);
    for (const { datasource, targets } of dashboard.panels) {
      expect(datasources.map(({ uid }) => uid)).toContain(datasource.uid);
      expect(targets.length).toBeGreaterThan(0);
    }
  });
});
