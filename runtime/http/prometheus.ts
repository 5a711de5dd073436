/** The text format of Prometheus, version 0.0.4. */
export interface MetricSample {
  readonly labels?: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface MetricFamily {
  /** Without the prefix `freshet_`; unit last, as Prometheus wants it. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly MetricSample[];
}

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export const renderPrometheus = (families: readonly MetricFamily[]): string =>
  families.map(renderFamily).join('');

const renderFamily = ({ name, help, type, samples }: MetricFamily): string => {
  const full = `freshet_${name}`;
  const lines = samples.map(({ labels, value }) => `${full}${renderLabels(labels)} ${value}`);
  return [`# HELP ${full} ${escapeHelp(help)}`, `# TYPE ${full} ${type}`, ...lines, ''].join('\n');
};

const renderLabels = (labels: MetricSample['labels']): string => {
  const pairs = Object.entries(labels ?? {});
  if (pairs.length === 0) return '';
  return `{${pairs.map(([name, value]) => `${name}="${escapeValue(String(value))}"`).join(',')}}`;
};

const escapeHelp = (text: string): string => text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');

const escapeValue = (text: string): string => escapeHelp(text).replace(/"/g, '\\"');
