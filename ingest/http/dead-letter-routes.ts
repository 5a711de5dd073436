/** The calls of an operator who wants to know what was set aside, and why. */
import type { FastifyInstance } from 'fastify';
import {
  DeadLetterParams,
  DeadLetterReplayAnswer,
  DeadLettersAnswer,
  DeadLettersQuery,
} from '../../schemas/api/dead-letters.ts';
import { LIST_LIMIT_DEFAULT } from '../../schemas/api/parameters.ts';
import type { Ingest } from '../ingest.ts';
import { uncheckedBody } from './route-options.ts';

const TAG = 'operations';
const PATH = '/v1/dead-letters';

export const registerDeadLetterRoutes = (
  scope: FastifyInstance,
  { deadLetters, checkOpen }: Ingest,
): void => {
  const listed = uncheckedBody({
    summary: 'What could not be taken in, and why',
    tag: TAG,
    answer: DeadLettersAnswer,
  });
  scope.get<{ Querystring: DeadLettersQuery }>(
    PATH,
    { schema: { ...listed.schema, querystring: DeadLettersQuery } },
    async ({ query: { limit = LIST_LIMIT_DEFAULT, cursor } }) =>
      deadLetters.newest({ limit, ...(cursor === undefined ? {} : { cursor }) }),
  );
  scope.post<{ Params: DeadLetterParams }>(
    `${PATH}/:id/replay`,
    uncheckedBody({
      summary: 'Try one of them once more',
      tag: TAG,
      params: DeadLetterParams,
      answer: DeadLetterReplayAnswer,
    }),
    async ({ params }) => {
      checkOpen();
      return deadLetters.replay(params.id);
    },
  );
};
