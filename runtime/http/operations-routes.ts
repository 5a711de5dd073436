/** What operators ask: is it alive, is it ready, how is it doing, in JSON and for Prometheus. */
import type { FastifyInstance } from 'fastify';
import { HealthLiveAnswer, HealthReadyAnswer, SystemAnswer } from '../../schemas/api/system.ts';
import type { SystemReport } from '../system-report.ts';
import { PROMETHEUS_TYPE, renderPrometheus } from './prometheus.ts';

export const registerOperationsRoutes = (app: FastifyInstance, report: SystemReport): void => {
  const tags = ['operations'];
  app.get(
    '/health/live',
    {
      schema: { summary: 'Whether the process answers', tags, response: { 200: HealthLiveAnswer } },
    },
    async () => ({ status: 'live' }),
  );
  app.get(
    '/health/ready',
    {
      schema: {
        summary: 'Whether lists are up to date, and if not why',
        tags,
        response: { 200: HealthReadyAnswer, 503: HealthReadyAnswer },
      },
    },
    async (_request, reply) => {
      const health = await report.health();
      return reply.code(health.status === 'ready' ? 200 : 503).send(health);
    },
  );
  app.get(
    '/v1/system',
    { schema: { summary: 'How the instance is doing', tags, response: { 200: SystemAnswer } } },
    () => report.system(),
  );
  app.get(
    '/metrics',
    { schema: { summary: 'The same for Prometheus', tags } },
    async (_request, reply) =>
      reply.type(PROMETHEUS_TYPE).send(renderPrometheus(await report.metrics())),
  );
};
