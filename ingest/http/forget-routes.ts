/** Forgetting a person: the request, and how far it has come. */
import type { FastifyInstance } from 'fastify';
import { ForgetReceipt, ReceiptParams } from '../../schemas/api/forgetting.ts';
import { UserParams } from '../../schemas/api/parameters.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import type { ForgetDesk } from '../forgetting/forget-desk.ts';
import { uncheckedBody } from './route-options.ts';

const TAG = 'people';
const NOT_YET = 202;
/** Without a warehouse a request is done by then, and the client need not ask a second time. */
const WAIT = 2_000 as DurationMs;

export const registerForgetRoutes = (scope: FastifyInstance, forgets: ForgetDesk): void => {
  const { schema } = uncheckedBody({
    summary: 'Forget a person: history, counts, warehouse and key, with a receipt',
    tag: TAG,
    params: UserParams,
    answer: ForgetReceipt,
  });
  scope.delete<{ Params: UserParams }>(
    '/v1/users/:id',
    { schema: { ...schema, response: { ...schema.response, [NOT_YET]: ForgetReceipt } } },
    async ({ params }, reply) => {
      const { requestId } = await forgets.forget(params.id);
      const receipt = await forgets.receiptWithin(requestId, WAIT);
      return reply.code(receipt.stage === 'done' ? 200 : NOT_YET).send(receipt);
    },
  );
  scope.get<{ Params: ReceiptParams }>(
    '/v1/receipts/:requestId',
    uncheckedBody({
      summary: 'How far a request to forget somebody has come',
      tag: TAG,
      params: ReceiptParams,
      answer: ForgetReceipt,
    }),
    async ({ params }) => forgets.receipt(params.requestId),
  );
};
