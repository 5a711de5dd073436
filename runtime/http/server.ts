/**
 * The HTTP server that every role hangs its routes on: limits, time-outs, error form, security
 * headers, allowed origins, validation messages. Routes themselves belong to the roles.
 */
import swagger from '@fastify/swagger';
import { Ajv } from 'ajv';
import { type FastifyError, type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { validationMessage } from '../../schemas/api/validation-message.ts';
import type { Logger } from '../../schemas/environment.ts';
import {
  type ErrorCode,
  type ErrorDetails,
  FreshetError,
  isFreshetError,
} from '../../schemas/errors.ts';
import { VERSION } from '../version.ts';
import { refuseOtherMethods } from './allowed-methods.ts';
import { answerBrokenRequest } from './broken-requests.ts';
import { guardOrigins } from './origins.ts';
import { limitRates } from './rate-limit.ts';
import { trustsProxiesIn } from './trusted-proxies.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route answers in time by itself; it gets no deadline from here. */
    ownsDeadline?: boolean;
  }
}

export interface HttpServerOptions {
  readonly basePath: string;
  readonly trustedProxies: readonly string[];
  readonly allowedOrigins: readonly string[];
  /** 0 does not limit. */
  readonly requestsPerSecond: number;
  readonly logger: Logger;
  readonly monotonicMs: () => number;
}

const BODY_BYTES_MAX = 1024 * 1024;
const HEADER_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const HANDLER_TIMEOUT_MS = 10_000;
const RETRY_AFTER_SECONDS = 1;

export const createHttpServer = async (options: HttpServerOptions): Promise<FastifyInstance> => {
  let requests = 0;
  const app = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: 65_000,
    http: { headersTimeout: HEADER_TIMEOUT_MS },
    forceCloseConnections: 'idle',
    trustProxy: options.trustedProxies.length > 0 && trustsProxiesIn(options.trustedProxies),
    genReqId: () => {
      requests += 1;
      return `r${requests.toString(36)}`;
    },
    routerOptions: { maxParamLength: 1024, ignoreTrailingSlash: true },
    return503OnClosing: true,
    clientErrorHandler: answerBrokenRequest,
    // A path that is none, before there is a route with hooks.
    frameworkErrors: (error, request, reply) => {
      reply.headers(SECURITY_HEADERS);
      sendError(reply, asFreshetError(error, options.logger), request.id);
    },
    logger: false,
  });
  app.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? bodyAjv : textAjv).compile(schema as object),
  );
  // A deadline costs a timer and an AbortController a request: where every microsecond counts, a
  // route bounds its waiting itself and says so.
  app.addHook('onRoute', (route) => {
    if (!route.config?.ownsDeadline) route.handlerTimeout ??= HANDLER_TIMEOUT_MS;
  });
  app.setErrorHandler((error: unknown, request, reply) => {
    sendError(reply, asFreshetError(error, options.logger), request.id);
  });
  app.setNotFoundHandler((request, reply) => {
    const what = `${request.method} ${request.url.split('?')[0]}`;
    sendError(reply, new FreshetError('not_found', { what }), request.id);
  });
  // Hooks that have nothing to wait for say so at once: a promise each would cost every request a turn.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    done();
  });
  guardOrigins(app, options.allowedOrigins);
  if (options.requestsPerSecond > 0) limitRates(app, options);
  refuseOtherMethods(app);
  await app.register(swagger, { openapi: OPENAPI_FACTS });
  return app;
};

/** JSON bodies keep their types: a text is not a number. */
const bodyAjv = new Ajv({
  coerceTypes: false,
  removeAdditional: false,
  allErrors: false,
  strict: false,
  strictNumbers: true,
  verbose: true,
});
/** Paths and queries are texts by nature: numbers in them are read as such. */
const textAjv = new Ajv({
  coerceTypes: true,
  removeAdditional: false,
  useDefaults: true,
  strict: false,
  strictNumbers: true,
  verbose: true,
});

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
};

const OPENAPI_FACTS = {
  openapi: '3.1.0',
  info: {
    title: 'Freshet',
    description: 'Recommendations as fresh as the last click.',
    version: VERSION,
    license: { name: 'MIT' },
  },
} as const;

export const sendError = (reply: FastifyReply, error: FreshetError, requestId: string): void => {
  if (error.spec.retriable && [429, 503].includes(error.spec.status)) {
    reply.header('retry-after', String(error.details.retryAfterSeconds ?? RETRY_AFTER_SECONDS));
  }
  const hasDetails = Object.keys(error.details).length > 0;
  reply
    .code(error.spec.status)
    .type('application/json; charset=utf-8')
    .send(
      JSON.stringify({
        error: {
          code: error.code,
          message: error.message,
          ...(hasDetails ? { details: error.details } : {}),
          requestId,
        },
      }),
    );
};

/** What fastify itself refuses, in the words of the error table. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'bad_media_type',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'bad_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'bad_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'bad_request',
  FST_ERR_BAD_URL: 'bad_request',
  FST_ERR_HANDLER_TIMEOUT: 'timeout',
};

/** Who is told to come again is counted: under load a stack for each of them would drown the log. */
const isFault = ({ spec }: FreshetError): boolean =>
  spec.status === 500 || (spec.status > 500 && !spec.retriable);

const asFreshetError = (error: unknown, logger: Logger): FreshetError => {
  if (isFreshetError(error)) {
    if (isFault(error)) logger.error(error.message, { error });
    return error;
  }
  const given = error as Partial<FastifyError>;
  const first = given.validation?.[0];
  if (first) {
    return new FreshetError('bad_request', {
      problem: validationMessage(first, given.validationContext ?? 'body'),
    });
  }
  const code =
    FASTIFY_CODES[given.code ?? ''] ?? (error instanceof SyntaxError ? 'bad_json' : undefined);
  const isClientFault = (given.statusCode ?? 500) < 500;
  if (!code && !isClientFault) {
    logger.error('A request failed inside', { error });
    return new FreshetError('internal', {}, { cause: error });
  }
  const refusedBy = code ?? 'bad_request';
  const problem = given.message ?? 'something unreadable';
  return new FreshetError(refusedBy, DETAILS[refusedBy] ?? { problem }, { cause: error });
};

/** What the sentences need to know of fastify's refusals, beyond its own words. */
const DETAILS: Readonly<Partial<Record<ErrorCode, ErrorDetails>>> = {
  too_large: { limit: '1 MiB' },
  timeout: { limitMs: HANDLER_TIMEOUT_MS },
  bad_media_type: { expected: 'application/json', got: 'another' },
};
