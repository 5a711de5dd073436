/** What the routes of serving share: sending JSON that is already text, answering from the cache. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import { ErrorBody } from '../../schemas/api/errors.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { AnswerCache } from '../answer-cache.ts';
import type { Catalogue } from '../catalogue.ts';
import type { Coverage } from '../coverage.ts';
import type { ItemFollower } from '../item-follower.ts';
import type { ItemIndex } from '../item-index.ts';
import type { ItemSearch } from '../item-search.ts';
import { type ListParameters, type ListQuestion, questionOf } from '../list-query.ts';
import type { ListService } from '../list-service.ts';
import type { ServingOptions } from '../options.ts';
import type { SimilarPeople } from '../people/similar-people.ts';
import type { Rankings } from '../rankings.ts';
import type { ReleaseHolder } from '../release/release-holder.ts';
import type { SubjectReader } from '../subject-reader.ts';

export interface RouteParts {
  readonly lists: ListService;
  readonly subjects: SubjectReader;
  readonly similarPeople: SimilarPeople;
  readonly catalogue: Catalogue;
  readonly itemIndex: ItemIndex;
  readonly itemFollower: ItemFollower;
  readonly rankings: Rankings;
  readonly search: ItemSearch;
  readonly coverage: Coverage;
  readonly cache: AnswerCache;
  readonly releases: Pick<ReleaseHolder, 'current'>;
  readonly clock: Clock;
  readonly options: ServingOptions;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export const sendJson = (reply: FastifyReply, body: Buffer | string): FastifyReply =>
  reply.header('content-type', JSON_TYPE).send(body);

/** The schema of a route, as fastify and `/openapi.json` take it. */
export const routeSchema = (route: {
  readonly summary: string;
  readonly tag: string;
  readonly params?: TSchema;
  readonly querystring?: TSchema;
  readonly body?: TSchema;
  readonly answer: TSchema;
  /** Its own waiting ends in time: `after` and each call of a store have their limits. */
  readonly ownsDeadline?: true;
}) => ({
  ...(route.ownsDeadline ? { config: { ownsDeadline: true } } : {}),
  schema: {
    summary: route.summary,
    tags: [route.tag],
    ...(route.params ? { params: route.params } : {}),
    ...(route.querystring ? { querystring: route.querystring } : {}),
    ...(route.body ? { body: route.body } : {}),
    response: { 200: route.answer, '4xx': ErrorBody, '5xx': ErrorBody },
  },
});

/** Answers a request that was answered within the last second, before anything else is done. */
export const answerFromCache =
  (cache: AnswerCache) =>
  (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const body = cache.get(request.url);
    if (body === undefined) done();
    else sendJson(reply, body);
  };

/**
 * Makes an answer, sends it, and keeps it unless something that it goes by changed meanwhile. What
 * was asked with `after` is for this moment alone.
 */
export const answerAndKeep = async (
  request: FastifyRequest,
  reply: FastifyReply,
  given: {
    readonly cache: AnswerCache;
    readonly owner: string | null;
    readonly after: string | undefined;
    readonly make: () => Promise<Buffer> | Buffer;
  },
): Promise<FastifyReply> => {
  if (given.after !== undefined) return sendJson(reply, await given.make());
  const pending = given.cache.begin(given.owner);
  try {
    const body = await given.make();
    given.cache.put(request.url, body, pending);
    return sendJson(reply, body);
  } catch (error) {
    given.cache.abandon(pending);
    throw error;
  }
};

/** The same for everybody, and for whoever asks with `after` by items that are as far. */
export const answerForAll = (
  request: FastifyRequest,
  reply: FastifyReply,
  given: {
    readonly parts: RouteParts;
    readonly after: string | undefined;
    readonly make: () => Buffer;
  },
): Promise<FastifyReply> => {
  const { parts, after, make } = given;
  return answerAndKeep(request, reply, {
    cache: parts.cache,
    owner: null,
    after,
    make: async () => {
      await untilItemsCover(after, parts);
      return make();
    },
  });
};

export const questionFor = (
  about: string,
  parameters: ListParameters,
  { catalogue, options }: RouteParts,
): ListQuestion =>
  questionOf(about, parameters, { catalogue, diversity: options.ladder.diversity });

/** Waits until the items' side of these positions is taken in, and lets no older order be given out. */
const untilItemsCover = async (
  after: string | undefined,
  { coverage, rankings }: RouteParts,
): Promise<void> => {
  if (after === undefined) return;
  await coverage.untilItems(after);
  rankings.clear();
};

/** The slot of an item that there is; otherwise 404. */
export const knownSlot = (itemId: string, catalogue: Catalogue): number => {
  const slot = catalogue.slots.find(itemId);
  if (slot === undefined || catalogue.record(slot) === undefined) {
    throw new FreshetError('not_found', { what: `item ${itemId}` });
  }
  return slot;
};
