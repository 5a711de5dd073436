/**
 * What a person sees in the terminal: plain lines, and a progress bar where there is somebody to
 * look at it. Piped output gets a line at each tenth instead.
 */
import { createInterface } from 'node:readline/promises';
import type { Clock } from '../schemas/environment.ts';

export interface Terminal {
  readonly isInteractive: boolean;
  line(text?: string): void;
  problem(text: string): void;
  progress(label: string): ProgressLine;
  /** Asks whoever sits there; anything but yes is no. */
  confirm(question: string): Promise<boolean>;
}

export interface ProgressLine {
  /** `says` stands in the place of counts, rate and time left, where they are of another kind. */
  update(done: number, total: number, says?: string): void;
  end(summary: string): void;
}

const BAR_CELLS = 24;
const REDRAW_MS = 100;

export const createTerminal = (clock: Clock): Terminal => {
  const isInteractive = process.stdout.isTTY === true;
  return {
    isInteractive,
    line: (text = '') => console.log(text),
    problem: (text) => console.error(text),
    progress: (label) => (isInteractive ? bar(label, clock) : plainProgress(label)),
    confirm: async (question) => {
      const lines = createInterface({ input: process.stdin, output: process.stdout });
      try {
        return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim());
      } finally {
        lines.close();
      }
    },
  };
};

const bar = (label: string, clock: Clock): ProgressLine => {
  const began = clock.monotonicMs();
  let drawnAt = Number.NEGATIVE_INFINITY;
  return {
    update(done, total, says) {
      const now = clock.monotonicMs();
      if (now - drawnAt < REDRAW_MS) return;
      drawnAt = now;
      process.stdout.write(
        `\r\x1b[2K${barText({ label, done, total, says, elapsedMs: now - began })}`,
      );
    },
    end: (summary) => {
      process.stdout.write(`\r\x1b[2K${label}: ${summary}\n`);
    },
  };
};

interface Progress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly says: string | undefined;
  readonly elapsedMs: number;
}

const barText = (at: Progress): string => {
  const share = at.total > 0 ? Math.min(at.done / at.total, 1) : 0;
  const filled = Math.round(share * BAR_CELLS);
  return (
    `${at.label} ${'█'.repeat(filled)}${'░'.repeat(BAR_CELLS - filled)} ` +
    `${Math.floor(share * 100)} %  ${at.says ?? countsText(at)}`
  );
};

const countsText = ({ done, total, elapsedMs }: Progress): string => {
  const perSecond = elapsedMs > 0 ? (done / elapsedMs) * 1000 : 0;
  const leftSeconds = perSecond > 0 ? Math.ceil((total - done) / perSecond) : 0;
  return (
    `${formatCount(done)} of ${formatCount(total)}  ` +
    `${formatCount(Math.round(perSecond))}/s  ${formatSeconds(leftSeconds)} left`
  );
};

const plainProgress = (label: string): ProgressLine => {
  let tenthShown = 0;
  return {
    update(done, total, says) {
      const tenth = total > 0 ? Math.floor((done / total) * 10) : 0;
      if (tenth <= tenthShown) return;
      tenthShown = tenth;
      console.log(`${label}: ${tenth * 10} %${says === undefined ? '' : `, ${says}`}`);
    },
    end: (summary) => console.log(`${label}: ${summary}`),
  };
};

export const formatCount = (count: number): string => Math.round(count).toLocaleString('en-US');

export const formatSeconds = (seconds: number): string => {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
};

export const formatBytes = (bytes: number): string => {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
};
