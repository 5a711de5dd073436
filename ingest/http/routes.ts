/**
 * The calls that write: events, impressions, and the table of kinds. A scope of its own, because
 * here bodies may be compressed, NDJSON or Avro, and `__proto__` is a name like any other.
 *
 * The handler of events is written for speed: no promise, and the answer as one string.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { EventsAnswer, EventsRequest, KindsAnswer } from '../../schemas/api/events.ts';
import { ImpressionsAnswer, ImpressionsRequest } from '../../schemas/api/impressions.ts';
import type { Ingest } from '../ingest.ts';
import { eventFromAvro, impressionFromAvro } from './avro-requests.ts';
import { acceptBodies, readBatch } from './bodies.ts';
import { registerDeadLetterRoutes } from './dead-letter-routes.ts';
import { registerForgetRoutes } from './forget-routes.ts';
import { registerImportRoutes } from './import-routes.ts';
import { registerItemRoutes } from './item-routes.ts';
import { JSON_TYPE, uncheckedBody } from './route-options.ts';

export const registerIngestRoutes = (app: FastifyInstance, ingest: Ingest): void => {
  app.register(async (scope) => {
    acceptBodies(scope, ingest.options.bodyBytesMax);
    leaveBodiesUnchecked(scope);
    // Answers are made here and typed: a compiled serializer for each would only delay the start.
    scope.setSerializerCompiler(() => JSON.stringify);
    registerEvents(scope, ingest);
    registerImpressions(scope, ingest);
    registerKinds(scope, ingest);
    registerItemRoutes(scope, ingest);
    registerImportRoutes(scope, ingest);
    registerDeadLetterRoutes(scope, ingest);
    if (ingest.forgets) registerForgetRoutes(scope, ingest.forgets);
  });
};

/** The handlers check bodies part by part; paths are checked as everywhere. */
const leaveBodiesUnchecked = (scope: FastifyInstance): void => {
  const inherited = scope.validatorCompiler;
  scope.setValidatorCompiler((part) =>
    part.httpPart === 'body' || !inherited ? () => true : inherited(part),
  );
};

const registerEvents = (scope: FastifyInstance, ingest: Ingest): void => {
  const { batchMax } = ingest.options;
  const options = {
    ...uncheckedBody({
      summary: 'Send interactions',
      tag: 'events',
      body: EventsRequest,
      answer: EventsAnswer,
    }),
    // The queue gives up waiting for the log by itself.
    config: { ownsDeadline: true },
    // Before the body is read: whoever is refused many times a second should cost little.
    onRequest: (
      _request: FastifyRequest,
      _reply: FastifyReply,
      done: (error?: Error) => void,
    ): void => {
      try {
        ingest.events.checkOpen();
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  };
  scope.post('/v1/events', options, (request: FastifyRequest, reply: FastifyReply) => {
    const batch = readBatch(request.body, { name: 'events', batchMax, fromAvro: eventFromAvro });
    ingest.events.takeNow(batch, (error, answer) => {
      if (answer === undefined) reply.send(error);
      else reply.header('content-type', JSON_TYPE).send(JSON.stringify(answer));
    });
  });
};

const registerImpressions = (scope: FastifyInstance, ingest: Ingest): void => {
  const { batchMax } = ingest.options;
  const options = uncheckedBody({
    summary: 'Tell what was shown',
    tag: 'events',
    body: ImpressionsRequest,
    answer: ImpressionsAnswer,
  });
  scope.post('/v1/impressions', options, async (request, reply) => {
    const form = { name: 'impressions', batchMax, fromAvro: impressionFromAvro };
    const answer = await ingest.impressions.take(readBatch(request.body, form));
    return reply.header('content-type', JSON_TYPE).send(JSON.stringify(answer));
  });
};

const registerKinds = (scope: FastifyInstance, { kinds, configVersion }: Ingest): void => {
  const answer: KindsAnswer = {
    configVersion,
    kinds: [...kinds.values()].map(({ halfLife, seenFor, ...kind }) => ({
      ...kind,
      halfLifeMs: halfLife,
      seenForMs: Number.isFinite(seenFor) ? seenFor : null,
    })),
  };
  const schema = {
    summary: 'The kinds of feedback',
    tags: ['events'],
    response: { 200: KindsAnswer },
  };
  scope.get('/v1/kinds', { schema }, async () => answer);
};
