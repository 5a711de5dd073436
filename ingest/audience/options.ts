/**
 * The settings of the simulated audience, with what they mean; `freshet simulate` shows the
 * descriptions as its help.
 */
export interface AudienceOptions {
  readonly seed: number;
  readonly people: number;
  readonly newPeoplePerDay: number;
  readonly days: number;
  readonly events: number;
  readonly releases: number;
  readonly releasesPerDay: number;
}

export const DEFAULT_AUDIENCE_OPTIONS: AudienceOptions = {
  seed: 20_260_101,
  people: 2_000,
  newPeoplePerDay: 4,
  days: 42,
  events: 200_000,
  releases: 60,
  releasesPerDay: 2,
};

export const AUDIENCE_OPTION_DESCRIPTIONS: Readonly<Record<keyof AudienceOptions, string>> = {
  seed: 'Seed of everything by chance; the same seed and times give the same people and events.',
  people: 'How many people there are when the history ends.',
  newPeoplePerDay: 'How many people join each day, the last days of the history among them.',
  days: 'How many days of history lie before the start.',
  events: 'How many events the history has.',
  releases: 'How many of the newest films come out one by one instead of being there at first.',
  releasesPerDay: 'How many of them come out each day.',
};

const DAY_MS = 86_400_000;

/** What the audience is made of, in numbers that only tuning changes. */
export const AUDIENCE_MODEL = {
  DAY_MS,
  WEEK_MS: 7 * DAY_MS,

  /**
   * Zipf–Mandelbrot: the person at the share u of the ranks is as active as (u + shift)^−exponent.
   * The shift bends the head, as it does among the raters of MovieLens.
   */
  activity: { exponent: 2, shift: 0.12 },
  /** The same for how widely films are known. */
  popularity: { exponent: 2.2, shift: 0.025 },
  /** Noise on a film's renown (0–100) before films are ranked. */
  popularityNoise: 4,

  /** How much stronger taste makes a choice: weight = popularity × e^(strength × affinity). */
  tasteStrength: 3.2,
  /** Share of a person's affinity that is the film's own quality, in the same units as taste. */
  qualityWeight: 0.3,
  /** Radians by which a week turns a person's taste towards another one. */
  driftPerWeek: 0.07,

  /** Shares of picks that go to what is in fashion, at its height. */
  fashionsPerDay: 0.7,
  fashionShare: 0.05,
  fashionRiseDays: 0.7,
  fashionHalfLifeDays: 3,
  releaseShare: 0.012,
  /** Share of picks within a session that stay with what the last film had. */
  moodShare: 0.4,

  stars: {
    affinity: 0.42,
    quality: 0.42,
    personBias: 0.44,
    noise: 0.56,
    /** Share of people who use half stars. */
    halfStarShare: 0.6,
  },
} as const;
