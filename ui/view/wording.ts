/** What the page says of kinds, rungs and times. Kinds that a site made itself read as they are. */
import type { ExplanationAnswer } from '../../schemas/api/explanations.ts';
import type { Rung } from '../../schemas/api/lists.ts';
import type { TrainingAnswer } from '../../schemas/api/models.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import type { ActivityEntry, ListChange } from '../store/page-state.ts';

const DID: Readonly<Record<string, string>> = {
  click: 'opened',
  view: 'looked at',
  watch: 'watched',
  like: 'liked',
  dislike: 'disliked',
  hide: 'hid',
  purchase: 'bought',
  undo: 'took back',
  rating: 'rated',
};

/** What somebody did, before the film's name: “rated”, “opened”. */
export const didText = (kind: string): string => DID[kind] ?? kind;

/** How much of it, after the film's name: “★ 4.5”, “87 %”; empty where the kind takes no value. */
export const valueText = ({ kind, value }: Pick<ActivityEntry, 'kind' | 'value'>): string => {
  if (value === null) return '';
  return kind === 'watch' ? `${Math.round(100 * value)} %` : `★ ${value}`;
};

/** What changed a person's own list. */
export const changeText = (cause: ListChange['cause'], isOneself: boolean): string => {
  if (cause === null) return 'The list moved because others acted.';
  const who = isOneself ? 'you' : 'they';
  return `Changed because ${who} ${didText(cause.kind)} ${cause.title}.`;
};

const RUNGS: Readonly<Record<Rung, string>> = {
  personalised: 'from what was done and liked',
  session: 'from this visit',
  content: 'from films about the same things',
  'category-trend': 'what trends in the genres that fit',
  trend: 'what trends with everyone; rate something to make it personal',
  latest: 'what is new; rate something to make it personal',
};

export const rungText = (rung: Rung): string => RUNGS[rung];

/** Names of the sources whose parts add up to a score. */
const PARTS: Readonly<Record<string, string>> = {
  blend: 'the lists themselves',
  taste: 'fits the taste shown so far',
  embedding: 'fits the latest choices',
  graph: 'linked with the choices',
  sequence: 'often comes next',
  habit: 'goes with all that was chosen',
  together: 'chosen together',
  next: 'chosen next',
  people: 'chosen by people alike',
  content: 'about the same things',
  trending: 'trending',
  popular: 'popular',
  latest: 'new',
  'top-rated': 'well rated',
};

export const partText = (part: string): string => PARTS[part] ?? part;

export const msText = (ms: number | null): string => {
  if (ms === null) return '–';
  if (ms >= 10_000) return `${Math.round(ms / 1_000)} s`;
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
};

const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

export const bytesText = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < BYTE_UNITS.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${BYTE_UNITS[unit]}`;
};

export const countText = (count: number): string => count.toLocaleString('en-US');

const STAGES: Readonly<Record<TrainingAnswer['stage'], string>> = {
  reading: 'reading history',
  trying: 'trying models on what people chose later',
  fitting: 'fitting',
  publishing: 'publishing',
};

/** “Training: fitting als, 64 %, 90 % a minute, about 20 s left”. */
export const trainingText = (training: TrainingAnswer): string => {
  const { stage, model, share, sharePerMinute } = training;
  const rate = sharePerMinute === null ? '' : `, ${Math.round(100 * sharePerMinute)} % a minute`;
  const what = model === null ? STAGES[stage] : `${STAGES[stage]} ${model}`;
  return `Training: ${what}, ${Math.round(100 * share)} %${rate}${leftText(training)}`;
};

const leftText = ({ remainingMs }: TrainingAnswer): string =>
  remainingMs === null ? '' : `, about ${Math.ceil(remainingMs / 1_000)} s left`;

/** What the models are up to, short enough for one line with everything else. */
export const modelsText = ({ models, training }: SystemAnswer): string => {
  if (training !== null) {
    return `Training: ${Math.round(100 * training.share)} %${leftText(training)}`;
  }
  const [release] = models;
  return release === undefined ? 'no release yet' : `release ${release.version}`;
};

/** “You would give it ★ 4.2, most likely 3.1 to 5.” */
export const starsText = ({ value, low, high }: NonNullable<ExplanationAnswer['stars']>): string =>
  `You would give it ★ ${value}, most likely ${low} to ${high}.`;
