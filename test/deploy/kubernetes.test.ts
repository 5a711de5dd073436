/** The Kubernetes manifests against each other and against what the program knows. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { parseCommandLine } from '../../runtime/cli/command.ts';
import { startCommand } from '../../runtime/cli/start-command.ts';
import { systemClock } from '../../runtime/clock.ts';
import { ROLES } from '../../runtime/settings.ts';
import { createTerminal } from '../../runtime/terminal.ts';

interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly livenessProbe?: unknown;
  readonly readinessProbe?: unknown;
  readonly resources: { readonly requests: object; readonly limits: { readonly memory: string } };
  readonly securityContext: object;
}
type Labels = Readonly<Record<string, string>>;
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels?: Labels } & Labels;
    readonly scaleTargetRef?: { readonly kind: string; readonly name: string };
    readonly template?: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly securityContext: { readonly runAsNonRoot: boolean };
        readonly containers: readonly Container[];
      };
    };
  };
}

const folder = join(import.meta.dirname, '..', '..', 'deploy', 'kubernetes');
const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as {
  resources: string[];
  configMapGenerator: { name: string; literals: string[] }[];
};
const files = kustomization.resources.filter((name) => name.endsWith('.yaml'));
const manifests = files.flatMap((name) =>
  parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map(
    (document) => document.toJSON() as Manifest,
  ),
);
const workloads = manifests.filter(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind));
const named = (list: readonly Manifest[]) =>
  list.map((manifest): [string, Manifest] => [manifest.metadata.name, manifest]);
const settingsIn = (): Record<string, string> =>
  Object.fromEntries(
    kustomization.configMapGenerator
      .flatMap(({ literals }) => literals)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

describe('deploy/kubernetes', () => {
  it('applies every manifest that lies there', () => {
    const others = ['kustomization.yaml', 'prometheus-adapter-values.yaml'];
    expect([...files, ...others].sort()).toEqual(readdirSync(folder).sort());
  });

  it('has a workload for every role, and the balancer', () => {
    const names = workloads.map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual([...ROLES, 'balancer'].sort());
  });

  it.each(named(workloads))('%s is probed, limited, and gains no rights', (_name, { spec }) => {
    expect(spec.template?.metadata.labels).toMatchObject(spec.selector?.matchLabels ?? {});
    expect(spec.template?.spec.securityContext.runAsNonRoot).toBe(true);
    for (const container of spec.template?.spec.containers ?? []) {
      expect(container.livenessProbe).toBeDefined();
      expect(container.readinessProbe).toBeDefined();
      expect(Object.keys(container.resources.requests)).toEqual(['cpu', 'memory']);
      expect(container.resources.limits.memory).toMatch(/^\d+[MG]i$/);
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  it('starts each role by words and variables that the program knows', () => {
    for (const role of ROLES) {
      const workload = workloads.find(({ metadata }) => metadata.name === role);
      const [container] = workload?.spec.template?.spec.containers ?? [];
      const [command, ...words] = container?.args ?? [];
      expect(command).toBe(startCommand.name);
      const own = Object.fromEntries(
        (container?.env ?? []).map(({ name, value }) => [name, value]),
      );
      const context = parseCommandLine(startCommand, words, {
        environment: { ...settingsIn(), ...own },
        clock: systemClock,
        terminal: createTerminal(systemClock),
        stopping: new AbortController().signal,
      });
      expect(context.configuration.settings.roles).toEqual([role]);
      expect(context.configuration.settings.profile).toBe('distributed');
    }
  });

  it.each(named(manifests.filter(({ kind }) => ['Service', 'PodDisruptionBudget'].includes(kind))))(
    'finds the pods that %s speaks of',
    (_name, { spec }) => {
      const wanted: Labels = spec.selector?.matchLabels ?? spec.selector ?? {};
      const found = workloads.filter(({ spec: { template } }) =>
        Object.entries(wanted).every(
          ([label, value]) => template?.metadata.labels[label] === value,
        ),
      );
      expect(found.length).toBe(1);
    },
  );

  it('scales workloads that there are', () => {
    const scaled = manifests.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(scaled.map(({ metadata }) => metadata.name).sort()).toEqual(['serving', 'stream']);
    for (const { spec } of scaled) {
      const target = workloads.find(
        ({ kind, metadata }) =>
          kind === spec.scaleTargetRef?.kind && metadata.name === spec.scaleTargetRef.name,
      );
      expect(target).toBeDefined();
    }
  });
});
