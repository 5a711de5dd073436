/** The lists that are the same for everyone. */
import type { FastifyInstance } from 'fastify';
import { ListAnswer, ListParams, ListQuery } from '../../schemas/api/lists.ts';
import {
  answerForAll,
  answerFromCache,
  questionFor,
  type RouteParts,
  routeSchema,
} from './route-support.ts';

export const registerListRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const { cache, lists } = parts;
  app.get<{ Params: ListParams; Querystring: ListQuery }>(
    '/v1/lists/:name',
    {
      onRequest: answerFromCache(cache),
      ...routeSchema({
        summary: 'Trending, popular, latest or top-rated',
        tag: 'lists',
        params: ListParams,
        querystring: ListQuery,
        answer: ListAnswer,
        ownsDeadline: true,
      }),
    },
    (request, reply) =>
      answerForAll(request, reply, {
        parts,
        after: request.query.after,
        make: () => {
          const { name } = request.params;
          return lists.bytes(lists.named(name, questionFor(`list:${name}`, request.query, parts)));
        },
      }),
  );
};
