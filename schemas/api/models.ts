/** The models: which release is in use, which there are, how a training is going and how past ones ended. */
import Type from 'typebox';
import { MODEL_KINDS, TRAINING_OUTCOMES } from '../release.ts';
import {
  choiceField,
  integerField,
  type Message,
  mapOf,
  nullable,
  numberField,
  request,
  timeField,
} from './fields.ts';

const VERSION_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$';

const versionField = (description: string) =>
  Type.String({
    description,
    pattern: VERSION_PATTERN,
    examples: ['20260131T030000Z-3f2a'],
    'x-says': 'the version of a release',
  });

export const TRAINABLE = [...MODEL_KINDS, 'all'] as const;

export const ModelKindParams = request({
  kind: choiceField(TRAINABLE, {
    description: 'A kind of model, or all of them. A release is promoted whole: there it is `all`.',
  }),
});
export type ModelKindParams = Message<typeof ModelKindParams>;

export const PromoteRequest = request({ version: versionField('The release to put to use.') });
export type PromoteRequest = Message<typeof PromoteRequest>;

const share = (description: string) => numberField({ description, minimum: 0, maximum: 1 });
const seconds = numberField({ description: 'How long it took, in seconds.', minimum: 0 });
const count = (description: string) => integerField({ description, minimum: 0 });

const HoldOut = Type.Object(
  {
    users: count('People whose later choices were known.'),
    scores: Type.Array(
      Type.Object({
        name: Type.String({ description: 'A part of the score, or `blend`.', examples: ['taste'] }),
        hitRate: share('Share of the people whose list of ten held something they chose later.'),
        ndcg: share('The same, the higher in the list the better.'),
        ndcgMargin: numberField({
          description: 'Half the width of its 95 % interval.',
          minimum: 0,
        }),
      }),
    ),
    ratings: Type.Optional(
      nullable(
        Type.Object(
          {
            ratings: count('Ratings that were given later.'),
            rmse: numberField({ description: 'Of the predicted stars.', minimum: 0 }),
            usualRmse: numberField({ description: 'Of usual ratings.', minimum: 0 }),
          },
          { description: 'Predicted stars against ratings given later.' },
        ),
      ),
    ),
  },
  { description: 'Lists from what happened before a moment, against what people chose after it.' },
);

const ReleaseAnswer = Type.Object({
  version: versionField('Sorts by time.'),
  createdAt: timeField('When it was published.'),
  isInUse: Type.Boolean({ description: 'Whether lists are made with it.' }),
  sizeBytes: count('Of all its files.'),
  models: mapOf(
    Type.Object({
      trainedIn: versionField(
        'The release that it was trained for; an older one where taken over.',
      ),
      trainedAt: timeField('When.'),
      seconds,
    }),
    { description: 'By kind.' },
  ),
  history: Type.Object({
    events: count('Events that it was trained on.'),
    users: count('People behind them.'),
    items: count('Items that its models know.'),
    eventsCut: count('Events that a limit kept out.'),
  }),
  holdOut: HoldOut,
});
export type ReleaseAnswer = Message<typeof ReleaseAnswer>;

export const TrainingAnswer = Type.Object({
  runId: Type.String(),
  kinds: Type.Array(choiceField(MODEL_KINDS, { description: 'What is trained.' })),
  startedAt: timeField('When it began.'),
  stage: choiceField(['reading', 'trying', 'fitting', 'publishing'], {
    description: 'What it is doing.',
  }),
  model: nullable(choiceField(MODEL_KINDS, { description: 'What is being fitted.' })),
  share: share('Of the whole run.'),
  eventsRead: count('Events read so far.'),
  sharePerMinute: nullable(
    numberField({ description: 'Of the whole run, in a minute, at the rate so far.', minimum: 0 }),
  ),
  remainingMs: nullable(numberField({ description: 'Time left, at the rate so far.', minimum: 0 })),
});
export type TrainingAnswer = Message<typeof TrainingAnswer>;

const RunAnswer = Type.Object({
  runId: Type.String(),
  startedAt: timeField('When it began.'),
  seconds,
  outcome: choiceField(TRAINING_OUTCOMES, { description: 'How it ended.' }),
  version: nullable(versionField('The release that came out of it.')),
  reasons: Type.Array(Type.String(), { description: 'Why it was refused or failed.' }),
  remarks: Type.Array(Type.String(), { description: 'What could not be done or told.' }),
  holdOut: nullable(HoldOut),
});

export const ModelsAnswer = Type.Object({
  inUse: nullable(
    Type.Object({
      version: versionField('The release that lists are made with.'),
      formerVersion: nullable(versionField('What a rollback goes back to.')),
      promotedAt: timeField('When it was put to use.'),
      by: choiceField(['training', 'person', 'rollback'], { description: 'Who put it to use.' }),
    }),
  ),
  releases: Type.Array(ReleaseAnswer, { description: 'Newest first.' }),
  training: nullable(TrainingAnswer),
  runs: Type.Array(RunAnswer, { description: 'The last trainings, newest first.' }),
  nextAt: nullable(timeField('When the next training starts by itself.')),
  whyOff: nullable(Type.String({ description: 'Why there can be no training here.' })),
});
export type ModelsAnswer = Message<typeof ModelsAnswer>;

export const TrainAnswer = Type.Object({ runId: Type.String({ examples: ['3f2a'] }) });
export type TrainAnswer = Message<typeof TrainAnswer>;

export const CancelAnswer = Type.Object({
  runId: nullable(Type.String({ description: 'What was cancelled; null where nothing ran.' })),
});
export type CancelAnswer = Message<typeof CancelAnswer>;

export const PromotionAnswer = Type.Object({
  version: versionField('The release that is now in use.'),
  formerVersion: nullable(versionField('The one before it.')),
  offset: count('Of the record in the control log.'),
});
export type PromotionAnswer = Message<typeof PromotionAnswer>;
