/** The calls of an operator of models: look, train, cancel, promote, go back. */
import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import { ErrorBody } from '../../schemas/api/errors.ts';
import {
  CancelAnswer,
  ModelKindParams,
  ModelsAnswer,
  PromoteRequest,
  PromotionAnswer,
  TrainAnswer,
} from '../../schemas/api/models.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { EpochMs, Offset } from '../../schemas/ids.ts';
import { MODEL_KINDS } from '../../schemas/release.ts';
import { modelsAnswer } from '../model-report.ts';
import type { TrainingDesk } from '../training-desk.ts';

export interface ModelRouteParts {
  readonly desk: TrainingDesk;
  readonly clock: Clock;
  readonly nextAt: () => EpochMs | undefined;
}

const PATH = '/v1/models';
type Params = { Params: ModelKindParams };

export const registerModelRoutes = (
  app: FastifyInstance,
  { desk, clock, nextAt }: ModelRouteParts,
): void => {
  app.get(
    PATH,
    { schema: schemaOf('The release in use, the others, and how trainings go', ModelsAnswer) },
    async () => modelsAnswer(desk.status(), await desk.releases(), { clock, nextAt: nextAt() }),
  );
  app.post<Params>(
    `${PATH}/:kind/train`,
    { schema: { ...schemaOf('Start a training now', TrainAnswer), params: ModelKindParams } },
    async ({ params: { kind } }) => ({
      // A new model changes what the others are worth, so the blend is weighed anew with it.
      runId: desk.train(kind === 'all' ? MODEL_KINDS : [kind, 'blend']).runId,
    }),
  );
  app.post<Params>(
    `${PATH}/:kind/cancel`,
    { schema: { ...schemaOf('End the running training', CancelAnswer), params: ModelKindParams } },
    async () => ({ runId: await desk.cancel() }),
  );
  app.post<Params & { Body: PromoteRequest }>(
    `${PATH}/:kind/promote`,
    {
      schema: {
        ...schemaOf('Put a stored release to use', PromotionAnswer),
        params: ModelKindParams,
        body: PromoteRequest,
      },
    },
    async ({ params, body }) => {
      mustBeWhole(params);
      return promotionAnswer(desk, await desk.promote(body.version));
    },
  );
  app.post<Params>(
    `${PATH}/:kind/rollback`,
    {
      schema: {
        ...schemaOf('Go back to the release before the one in use', PromotionAnswer),
        params: ModelKindParams,
      },
    },
    async ({ params }) => {
      mustBeWhole(params);
      return promotionAnswer(desk, await desk.rollback());
    },
  );
};

const schemaOf = (summary: string, answer: TSchema) => ({
  summary,
  tags: ['models'],
  response: { 200: answer, '4xx': ErrorBody },
});

const mustBeWhole = ({ kind }: ModelKindParams): void => {
  if (kind === 'all') return;
  throw new FreshetError('bad_request', {
    problem: `Expected /v1/models/all/…, got ${kind}: a release is put to use whole.`,
  });
};

const promotionAnswer = (desk: TrainingDesk, offset: Offset): PromotionAnswer => {
  const { promotion } = desk.status();
  return { version: promotion!.version!, formerVersion: promotion!.formerVersion, offset };
};
