/** A small chart for the documents, as SVG: lines over a linear or logarithmic axis, from zero up. */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  readonly isLogarithmic?: boolean;
}

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 64;
const RIGHT = 24;
const TOP = 44;
const BOTTOM = 52;
/** Told apart also without colours: by their brightness, and by the names at their ends. */
const COLOURS = ['#0b5fa5', '#c2571a', '#4b8b3b', '#7a4fa3'] as const;
const GRID_LINES = 5;

export const lineChartSvg = (chart: LineChart): string => {
  const xs = [...new Set(chart.series.flatMap(({ points }) => points.map(([x]) => x)))].sort(
    (left, right) => left - right,
  );
  const yMax = roundUp(Math.max(...chart.series.flatMap(({ points }) => points.map(([, y]) => y))));
  const place = placing(xs, yMax, chart.isLogarithmic === true);
  const parts = [
    text(WIDTH / 2, 22, chart.title, { anchor: 'middle', size: 15 }),
    text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 10, chart.xLabel, { anchor: 'middle' }),
    `<g transform="rotate(-90 16 ${HEIGHT / 2})">${text(16, HEIGHT / 2, chart.yLabel, { anchor: 'middle' })}</g>`,
    ...Array.from({ length: GRID_LINES + 1 }, (_, line) =>
      gridLine(place.y((yMax * line) / GRID_LINES), numberText((yMax * line) / GRID_LINES)),
    ),
    ...xs.map((x) =>
      text(place.x(x), HEIGHT - BOTTOM + 18, numberText(x), { anchor: 'middle', size: 11 }),
    ),
    ...chart.series.map((series, index) => line(series, COLOURS[index % COLOURS.length]!, place)),
    ...chart.series.map(({ name }, index) => legend(name, index)),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" role="img">
<title>${escaped(chart.title)}</title>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`;
};

interface Placing {
  x(value: number): number;
  y(value: number): number;
}

const placing = (xs: readonly number[], yMax: number, isLogarithmic: boolean): Placing => {
  const scale = isLogarithmic ? Math.log : (value: number): number => value;
  const [first, last] = [scale(xs[0]!), scale(xs.at(-1)!)];
  const span = last - first || 1;
  return {
    x: (value) => LEFT + ((scale(value) - first) / span) * (WIDTH - LEFT - RIGHT),
    y: (value) => HEIGHT - BOTTOM - (value / yMax) * (HEIGHT - TOP - BOTTOM),
  };
};

const gridLine = (y: number, label: string): string =>
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${fixed(y)}" y2="${fixed(y)}" stroke="#d8d8d8"/>` +
  text(LEFT - 8, y + 4, label, { anchor: 'end', size: 11 });

const line = ({ points }: Series, colour: string, place: Placing): string => {
  const placed = points.map(([x, y]) => `${fixed(place.x(x))},${fixed(place.y(y))}`);
  const dots = placed.map((at) => {
    const [x, y] = at.split(',');
    return `<circle cx="${x}" cy="${y}" r="3.5" fill="${colour}"/>`;
  });
  const path = `<polyline points="${placed.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
  return path + dots.join('');
};

const legend = (name: string, index: number): string => {
  const y = TOP + 6 + index * 17;
  const colour = COLOURS[index % COLOURS.length]!;
  return `<circle cx="${LEFT + 12}" cy="${y - 4}" r="4" fill="${colour}"/>${text(LEFT + 22, y, name, { anchor: 'start' })}`;
};

const text = (
  x: number,
  y: number,
  content: string,
  { anchor, size = 12 }: { readonly anchor: 'start' | 'middle' | 'end'; readonly size?: number },
): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" font-size="${size}" fill="#222222">${escaped(content)}</text>`;

const fixed = (value: number): string => value.toFixed(1);

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const numberText = (value: number): string => {
  if (value >= 1_000_000) return `${value / 1_000_000} M`;
  if (value >= 1_000) return `${value / 1_000} k`;
  return String(Math.round(value * 100) / 100);
};

/** To one, two or five times a power of ten, or a fifth more of it. */
const roundUp = (value: number): number => {
  const power = 10 ** Math.floor(Math.log10(value));
  const found = [1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10].find((step) => step * power >= value);
  return (found ?? 10) * power;
};
