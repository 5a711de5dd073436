/**
 * A token bucket per address: a burst of two seconds' worth, then the steady rate. The table of
 * addresses is bounded; when it is full, the address that was idle longest goes.
 */
import type { FastifyInstance } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

const ADDRESSES_MAX = 50_000;
const BURST_SECONDS = 2;

export const limitRates = (
  app: FastifyInstance,
  options: { readonly requestsPerSecond: number; readonly monotonicMs: () => number },
): void => {
  const buckets = new Map<string, Bucket>();
  const full = options.requestsPerSecond * BURST_SECONDS;
  app.addHook('onRequest', (request, _reply, done) => {
    const now = options.monotonicMs();
    const bucket = buckets.get(request.ip) ?? { tokens: full, filledAtMs: now };
    const gained = ((now - bucket.filledAtMs) / 1000) * options.requestsPerSecond;
    bucket.tokens = Math.min(full, bucket.tokens + gained);
    bucket.filledAtMs = now;
    // Re-inserting keeps the map ordered by last use.
    buckets.delete(request.ip);
    buckets.set(request.ip, bucket);
    if (buckets.size > ADDRESSES_MAX) {
      const oldest = buckets.keys().next();
      if (!oldest.done) buckets.delete(oldest.value);
    }
    if (bucket.tokens < 1) {
      const limit = options.requestsPerSecond;
      return done(new FreshetError('too_many_requests', { limit, retryAfterSeconds: 1 }));
    }
    bucket.tokens -= 1;
    done();
  });
};
