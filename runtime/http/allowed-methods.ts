/**
 * A path that exists, asked for in a way that it does not answer: 405 with the ways that it does,
 * where the router alone would say that there is nothing. Costs nothing where a route is found.
 */
import type { FastifyInstance } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: Set<string>;
}

export const refuseOtherMethods = (app: FastifyInstance): void => {
  const paths = new Map<string, KnownPath>();
  app.addHook('onRoute', ({ url, method }) => {
    // A path that stands for all others says nothing about one of them.
    if (url.includes('*')) return;
    const known = paths.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() };
    paths.set(url, known);
    for (const each of [method].flat()) known.methods.add(each);
  });
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done();
    const path = request.url.split('?')[0]!;
    const allowed = [...paths.values()].find(({ pattern }) => pattern.test(path));
    if (allowed === undefined) return done();
    const methods = [...allowed.methods].join(', ');
    reply.header('allow', methods);
    done(new FreshetError('method_not_allowed', { methods, got: request.method }));
  });
};

const patternOf = (url: string): RegExp =>
  new RegExp(`^${url.replace(/[.+?^$()[\]{}|\\]/g, '\\$&').replace(/:[^/]+/g, '[^/]+')}/?$`);
