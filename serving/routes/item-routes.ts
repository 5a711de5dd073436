/** Items: one with its counters, search, more like this, what comes next. */
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { SimilarByTitleQuery, TitleCandidatesAnswer } from '../../schemas/api/explanations.ts';
import { Item, ItemSearchAnswer, ItemSearchQuery } from '../../schemas/api/items.ts';
import {
  type Held,
  ListAnswer,
  ListQuery,
  NextItemsRequest,
  SimilarQuery,
} from '../../schemas/api/lists.ts';
import { ItemParams } from '../../schemas/api/parameters.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { itemOf } from '../item-answer.ts';
import { searchAnswer } from '../item-listing.ts';
import type { MadeList, Similarity } from '../list-service.ts';
import {
  answerForAll,
  answerFromCache,
  knownSlot,
  questionFor,
  type RouteParts,
  routeSchema,
  sendJson,
} from './route-support.ts';

const CANDIDATES_MAX = 10;

export const registerItemRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  registerItems(app, parts);
  registerSimilar(app, parts);
  registerByTitle(app, parts);
  registerNext(app, parts);
};

const registerItems = (app: FastifyInstance, parts: RouteParts): void => {
  const { catalogue, clock } = parts;
  app.get<{ Params: ItemParams }>(
    '/v1/items/:id',
    routeSchema({
      summary: 'One item with its counters',
      tag: 'catalogue',
      params: ItemParams,
      answer: Item,
    }),
    async ({ params }, reply) => {
      const slot = knownSlot(params.id, catalogue);
      return sendJson(reply, JSON.stringify(itemOf(slot, clock.now(), parts)));
    },
  );
  app.get<{ Querystring: ItemSearchQuery }>(
    '/v1/items',
    routeSchema({
      summary: 'Search the catalogue',
      tag: 'catalogue',
      querystring: ItemSearchQuery,
      answer: ItemSearchAnswer,
    }),
    async ({ query }, reply) => sendJson(reply, JSON.stringify(searchAnswer(query, parts))),
  );
};

type By = SimilarQuery['by'];

/** What no model is there for yet is answered by the blend, and said to be. */
const similarityOf = (
  by: By,
  { releases }: RouteParts,
): { readonly similarity: Similarity; readonly held: readonly Held[] } => {
  if (by === undefined || by === 'blend') return { similarity: 'blend', held: [] };
  const isThere = by === 'together' || by === 'content' || releases.current?.sources[by];
  if (isThere) return { similarity: by, held: [] };
  return { similarity: 'blend', held: [{ part: by, why: 'needs a trained model, have none' }] };
};

const registerSimilar = (app: FastifyInstance, parts: RouteParts): void => {
  const { cache, catalogue, lists } = parts;
  app.get<{ Params: ItemParams; Querystring: SimilarQuery }>(
    '/v1/items/:id/similar',
    {
      onRequest: answerFromCache(cache),
      ...routeSchema({
        summary: 'More like this',
        tag: 'lists',
        params: ItemParams,
        querystring: SimilarQuery,
        answer: ListAnswer,
      }),
    },
    (request, reply) =>
      answerForAll(request, reply, {
        parts,
        after: request.query.after,
        make: () => {
          const slot = knownSlot(request.params.id, catalogue);
          return lists.bytes(similarTo(slot, request.query, parts));
        },
      }),
  );
};

const similarTo = (slot: number, query: SimilarQuery, parts: RouteParts): MadeList => {
  const { similarity, held } = similarityOf(query.by, parts);
  const id = parts.catalogue.slots.idOf(slot);
  const question = questionFor(`similar:${similarity}:${id}`, query, parts);
  const { items, facts } = parts.lists.similar(slot, similarity, question);
  return { items, facts: { ...facts, held: [...facts.held, ...(held as typeof facts.held)] } };
};

const registerByTitle = (app: FastifyInstance, parts: RouteParts): void => {
  const { search, catalogue, itemIndex, clock, lists } = parts;
  app.get<{ Querystring: SimilarByTitleQuery }>(
    '/v1/items/similar',
    routeSchema({
      summary: 'More like the item of this title',
      tag: 'lists',
      querystring: SimilarByTitleQuery,
      answer: Type.Union([ListAnswer, TitleCandidatesAnswer]),
    }),
    async ({ query }, reply) => {
      const now = clock.now();
      const found = search
        .byTitle(query.title)
        .filter((slot) => catalogue.isVisible(slot, now))
        .sort(
          (left, right) => itemIndex.everPopularOf(right, now) - itemIndex.everPopularOf(left, now),
        );
      const [only, ...others] = found;
      if (only === undefined) throw new FreshetError('not_found', { what: `title ${query.title}` });
      if (others.length === 0) return sendJson(reply, lists.bytes(similarTo(only, query, parts)));
      const candidates = found.slice(0, CANDIDATES_MAX).map((slot) => {
        const { itemId, title, publishedAt } = itemOf(slot, now, parts);
        return { itemId, title, publishedAt };
      });
      return sendJson(reply, JSON.stringify({ candidates }));
    },
  );
};

const registerNext = (app: FastifyInstance, parts: RouteParts): void => {
  const { cache, catalogue, lists } = parts;
  app.get<{ Params: ItemParams; Querystring: ListQuery }>(
    '/v1/items/:id/next',
    {
      onRequest: answerFromCache(cache),
      ...routeSchema({
        summary: 'What people go to next',
        tag: 'lists',
        params: ItemParams,
        querystring: ListQuery,
        answer: ListAnswer,
      }),
    },
    (request, reply) =>
      answerForAll(request, reply, {
        parts,
        after: request.query.after,
        make: () => {
          const slot = knownSlot(request.params.id, catalogue);
          const question = questionFor(`next:${request.params.id}`, request.query, parts);
          return lists.bytes(lists.next([slot], question));
        },
      }),
  );
  app.post<{ Body: NextItemsRequest }>(
    '/v1/items/next',
    routeSchema({
      summary: 'What goes with a basket',
      tag: 'lists',
      body: NextItemsRequest,
      answer: ListAnswer,
    }),
    async ({ body }, reply) => {
      // What the catalogue does not know says nothing; the rest of the basket still does.
      const slots = body.itemIds
        .map((id) => catalogue.slots.find(id))
        .filter((slot) => slot !== undefined);
      const question = questionFor('basket', body, parts);
      return sendJson(reply, lists.bytes(lists.next(slots, question)));
    },
  );
};
