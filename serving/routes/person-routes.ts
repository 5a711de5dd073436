/** Lists and histories of one person or session. */
import type { FastifyInstance } from 'fastify';
import {
  ExplanationAnswer,
  ExplanationParams,
  ExplanationQuery,
  PostedHistoryRequest,
  type Removal,
} from '../../schemas/api/explanations.ts';
import { ListAnswer, RecommendationsQuery } from '../../schemas/api/lists.ts';
import { LIST_LIMIT_DEFAULT, SessionParams, UserParams } from '../../schemas/api/parameters.ts';
import { parseTime } from '../../schemas/api/time.ts';
import {
  HistoryAnswer,
  HistoryQuery,
  SimilarPeopleAnswer,
  SimilarPeopleQuery,
  VectorAnswer,
  VectorQuery,
} from '../../schemas/api/users.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type EpochMs, eventId } from '../../schemas/ids.ts';
import { historyJson } from '../history-answer.ts';
import { asOfJson, partsJson, reasonJson, rounded } from '../list-answer.ts';
import type { MadeStanding, PostedEvent } from '../list-service.ts';
import type { Subject } from '../subject-reader.ts';
import {
  answerAndKeep,
  answerFromCache,
  knownSlot,
  questionFor,
  type RouteParts,
  routeSchema,
  sendJson,
} from './route-support.ts';

const TAG = 'lists';

export const registerPersonRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  registerLists(app, parts);
  registerExplanation(app, parts);
  registerHistory(app, parts);
  registerVector(app, parts);
  registerSimilarPeople(app, parts);
  registerPostedHistory(app, parts);
};

const registerLists = (app: FastifyInstance, parts: RouteParts): void => {
  const { subjects, cache, coverage, lists } = parts;
  const onRequest = answerFromCache(cache);
  const answer = async (subject: Subject, query: RecommendationsQuery): Promise<Buffer> => {
    if (query.after !== undefined) await coverage.untilSubjects(query.after);
    const question = questionFor(subject.id, query, parts);
    return lists.bytes(await lists.forSubject(subject, question));
  };
  app.get<{ Params: UserParams; Querystring: RecommendationsQuery }>(
    '/v1/users/:id/recommendations',
    {
      onRequest,
      ...routeSchema({
        summary: 'The personalised list',
        tag: TAG,
        params: UserParams,
        querystring: RecommendationsQuery,
        answer: ListAnswer,
        ownsDeadline: true,
      }),
    },
    (request, reply) => {
      const subject = subjects.ofUser(request.params.id);
      return answerAndKeep(request, reply, {
        cache,
        owner: subject.key,
        after: request.query.after,
        make: () => answer(subject, request.query),
      });
    },
  );
  app.get<{ Params: SessionParams; Querystring: RecommendationsQuery }>(
    '/v1/sessions/:id/recommendations',
    {
      onRequest,
      ...routeSchema({
        summary: 'The list of an anonymous session',
        tag: TAG,
        params: SessionParams,
        querystring: RecommendationsQuery,
        answer: ListAnswer,
        ownsDeadline: true,
      }),
    },
    (request, reply) => {
      const subject = subjects.ofSession(request.params.id);
      return answerAndKeep(request, reply, {
        cache,
        owner: subject.key,
        after: request.query.after,
        make: () => answer(subject, request.query),
      });
    },
  );
};

const registerExplanation = (app: FastifyInstance, parts: RouteParts): void => {
  const { subjects, coverage, catalogue, lists } = parts;
  app.get<{ Params: ExplanationParams; Querystring: ExplanationQuery }>(
    '/v1/users/:id/recommendations/:itemId',
    routeSchema({
      summary: 'Why an item is in the list, or why not',
      tag: TAG,
      params: ExplanationParams,
      querystring: ExplanationQuery,
      answer: ExplanationAnswer,
    }),
    async ({ params, query }, reply) => {
      if (query.after !== undefined) await coverage.untilSubjects(query.after);
      const subject = subjects.ofUser(params.id);
      const slot = knownSlot(params.itemId, catalogue);
      const made = await lists.stand(subject, slot, questionFor(subject.id, query, parts));
      return sendJson(reply, standingJson(made, parts));
    },
  );
};

const REMOVAL_TEXTS: Readonly<Record<Removal, string>> = {
  unknown: 'The catalogue does not hold it.',
  hidden: 'The catalogue says that it is hidden.',
  unavailable: 'The catalogue says that it is not available.',
  'not-yet-available': 'It is not available yet.',
  expired: 'It has expired.',
  excluded: 'The request excludes it.',
  'hidden-by-person': 'This person does not want to be shown it again.',
  seen: 'This person has seen it: lists leave out what was seen.',
  category: 'It is not of the category that was asked for.',
  filter: 'It does not fit the filter that was asked for.',
};

const standingJson = (
  { standing, stars, asOf, tookMs }: MadeStanding,
  parts: RouteParts,
): string => {
  const { catalogue, options } = parts;
  const { item, rank, removal, rung, held, models } = standing;
  const reasons = item.reasons.map((reason) => reasonJson(reason, catalogue)).join();
  const removedBy =
    removal === undefined
      ? 'null'
      : JSON.stringify({ rule: removal, text: REMOVAL_TEXTS[removal] });
  return (
    `{${catalogue.jsonHead(item.slot)},"rank":${removal === undefined ? rank : null},` +
    `"score":${item.score},"parts":${partsJson(item.parts)},"reasons":[${reasons}],` +
    `"removedBy":${removedBy},"stars":${starsJson(stars)},"rung":"${rung}","held":${JSON.stringify(held)},` +
    `"asOf":${asOfJson(asOf)},"models":${JSON.stringify(models)},"configVersion":${options.configVersion},"tookMs":${rounded(tookMs)}}`
  );
};

const starsJson = (stars: MadeStanding['stars']): string =>
  stars === undefined
    ? 'null'
    : JSON.stringify({
        value: toTenth(stars.value),
        low: toTenth(stars.low),
        high: toTenth(stars.high),
      });

const toTenth = (value: number): number => Math.round(value * 10) / 10;

const registerHistory = (app: FastifyInstance, parts: RouteParts): void => {
  const { subjects, coverage, catalogue } = parts;
  app.get<{ Params: UserParams; Querystring: HistoryQuery }>(
    '/v1/users/:id/history',
    routeSchema({
      summary: 'What a person did, newest first',
      tag: 'people',
      params: UserParams,
      querystring: HistoryQuery,
      answer: HistoryAnswer,
    }),
    async ({ params, query }, reply) => {
      if (query.after !== undefined) await coverage.untilSubjects(query.after);
      const state = await subjects.read(subjects.ofUser(params.id));
      return sendJson(reply, historyJson(state?.history ?? [], query, catalogue));
    },
  );
};

const registerVector = (app: FastifyInstance, parts: RouteParts): void => {
  const { subjects, coverage, lists } = parts;
  app.get<{ Params: UserParams; Querystring: VectorQuery }>(
    '/v1/users/:id/vector',
    routeSchema({
      summary: 'A person’s vector under the release in use',
      tag: 'people',
      params: UserParams,
      querystring: VectorQuery,
      answer: VectorAnswer,
    }),
    async ({ params, query }, reply) => {
      if (query.after !== undefined) await coverage.untilSubjects(query.after);
      return sendJson(reply, JSON.stringify(await lists.vector(subjects.ofUser(params.id))));
    },
  );
};

const registerSimilarPeople = (app: FastifyInstance, parts: RouteParts): void => {
  const { subjects, coverage, similarPeople } = parts;
  app.get<{ Params: UserParams; Querystring: SimilarPeopleQuery }>(
    '/v1/users/:id/similar',
    routeSchema({
      summary: 'People of like taste',
      tag: 'people',
      params: UserParams,
      querystring: SimilarPeopleQuery,
      answer: SimilarPeopleAnswer,
    }),
    async ({ params, query }, reply) => {
      if (query.after !== undefined) await coverage.untilSubjects(query.after);
      const subject = subjects.ofUser(params.id);
      const answer = await similarPeople.of(subject, query.limit ?? LIST_LIMIT_DEFAULT);
      return sendJson(reply, JSON.stringify(answer));
    },
  );
};

const registerPostedHistory = (app: FastifyInstance, parts: RouteParts): void => {
  const { lists, clock } = parts;
  app.post<{ Body: PostedHistoryRequest }>(
    '/v1/recommendations',
    routeSchema({
      summary: 'A list for a history that is not stored',
      tag: TAG,
      body: PostedHistoryRequest,
      answer: ListAnswer,
    }),
    async ({ body }, reply) => {
      const now = clock.now();
      const events = body.events.map((event, index) => postedEvent(event, index, now));
      const question = questionFor('posted', body, parts);
      return sendJson(reply, lists.bytes(lists.forHistory(events, question)));
    },
  );
};

/** Events without a time count as just done, in the order of the request. */
const postedEvent = (
  event: PostedHistoryRequest['events'][number],
  index: number,
  now: EpochMs,
): PostedEvent => {
  const occurredAt = event.occurredAt === undefined ? now : parseTime(event.occurredAt);
  if (occurredAt === undefined) {
    throw new FreshetError('bad_request', {
      problem: `Expected events[${index}].occurredAt to be a time such as 2026-01-31T18:30:00Z, got ${event.occurredAt}.`,
    });
  }
  return {
    eventId: event.eventId ?? eventId(`posted-${index}`),
    itemId: event.itemId,
    kind: event.kind,
    value: event.value ?? null,
    occurredAt,
  };
};
