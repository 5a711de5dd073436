/** The calls that write the catalogue. */
import type { FastifyInstance } from 'fastify';
import { ItemPatch, ItemReplacement, ItemsAnswer, ItemsRequest } from '../../schemas/api/items.ts';
import { ItemParams } from '../../schemas/api/parameters.ts';
import type { Ingest } from '../ingest.ts';
import { readBatch } from './bodies.ts';
import { uncheckedBody } from './route-options.ts';

const TAG = 'catalogue';
const PATH = '/v1/items/:id';

export const registerItemRoutes = (scope: FastifyInstance, ingest: Ingest): void => {
  const { catalogue } = ingest;
  const { batchMax } = ingest.options;
  const answer = ItemsAnswer;
  const params = ItemParams;

  scope.post(
    '/v1/items',
    uncheckedBody({ summary: 'Write items', tag: TAG, body: ItemsRequest, answer }),
    async (request) => catalogue.put(readBatch(request.body, { name: 'items', batchMax })),
  );
  scope.put<{ Params: ItemParams }>(
    PATH,
    uncheckedBody({ summary: 'Write one item', tag: TAG, params, body: ItemReplacement, answer }),
    async (request) => catalogue.replace(request.params.id, request.body),
  );
  scope.patch<{ Params: ItemParams }>(
    PATH,
    uncheckedBody({ summary: 'Change an item', tag: TAG, params, body: ItemPatch, answer }),
    async (request) => catalogue.patch(request.params.id, request.body),
  );
  scope.delete<{ Params: ItemParams }>(
    PATH,
    uncheckedBody({ summary: 'Delete an item', tag: TAG, params, answer }),
    async (request) => catalogue.remove(request.params.id),
  );
};
