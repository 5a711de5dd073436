/**
 * An import into a running server. The events are old, so the checks of live events do not apply; what
 * a bad client could do with them is checked all the same, before anything is written.
 */
import type { FastifyInstance } from 'fastify';
import {
  ImportAnswer,
  type ImportEventRow,
  ImportEventsRequest,
  ImportItemsRequest,
  ImportParams,
  ImportRecord,
} from '../../schemas/api/imports.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { epochMs } from '../../schemas/ids.ts';
import type { KindTable } from '../../schemas/kinds.ts';
import { badValue, checkValue } from '../edge/event-check.ts';
import { badId, isId } from '../edge/ids.ts';
import { shapeOf } from '../edge/shape.ts';
import type { BackfillEvent, BackfillSink } from '../import/backfill-sink.ts';
import type { Ingest } from '../ingest.ts';
import { uncheckedBody } from './route-options.ts';

const TAG = 'imports';
const PATH = '/v1/imports/:id';
const DONE: ImportAnswer = { durable: true };

type Params = { Params: ImportParams };

const recordShape = shapeOf<ImportRecord>(ImportRecord);
const itemsShape = shapeOf<ImportItemsRequest>(ImportItemsRequest);
const eventsShape = shapeOf<ImportEventsRequest>(ImportEventsRequest);

export const registerImportRoutes = (
  scope: FastifyInstance,
  { imports, kinds, checkOpen }: Ingest,
): void => {
  registerRecords(scope, imports, checkOpen);
  const params = ImportParams;
  const answer = ImportAnswer;
  scope.post<Params>(
    `${PATH}/items`,
    uncheckedBody({
      summary: 'Items of an import',
      tag: TAG,
      params,
      body: ImportItemsRequest,
      answer,
    }),
    async (request) => {
      checkOpen();
      await imports.appendItems(itemsShape.check(request.body, '').items);
      return DONE;
    },
  );
  scope.post<Params>(
    `${PATH}/events`,
    uncheckedBody({
      summary: 'Events of an import',
      tag: TAG,
      params,
      body: ImportEventsRequest,
      answer,
    }),
    async (request) => {
      checkOpen();
      const rows = eventsShape.check(request.body, '').events;
      await imports.appendEvents(request.params.id, checkedEvents(rows, kinds));
      return DONE;
    },
  );
};

const registerRecords = (
  scope: FastifyInstance,
  imports: BackfillSink,
  checkOpen: () => void,
): void => {
  const params = ImportParams;
  scope.get<Params>(
    PATH,
    uncheckedBody({ summary: 'How far an import is', tag: TAG, params, answer: ImportRecord }),
    async (request) => {
      const state = await imports.importState(request.params.id);
      if (state) return state;
      throw new FreshetError('not_found', { what: `import ${request.params.id}` });
    },
  );
  scope.put<Params>(
    PATH,
    uncheckedBody({
      summary: 'Record how far an import is',
      tag: TAG,
      params,
      body: ImportRecord,
      answer: ImportAnswer,
    }),
    async (request) => {
      checkOpen();
      await imports.recordImport(request.params.id, recordShape.check(request.body, ''));
      return DONE;
    },
  );
};

const checkedEvents = (
  rows: readonly (readonly unknown[])[],
  kinds: KindTable,
): readonly BackfillEvent[] => {
  let before = -1;
  return rows.map((row, index) => {
    if (!isRow(row)) {
      const problem = `Expected events[${index}] to be sequence, userId, sessionId, itemId, kind, value, occurredAt, got other types.`;
      throw new FreshetError('bad_request', { problem });
    }
    const event = checkedEvent(row, kinds);
    if (event.sequence <= before) {
      throw badValue(`Expected rising numbers, got ${event.sequence} after ${before}.`);
    }
    before = event.sequence;
    return event;
  });
};

const isRow = (row: readonly unknown[]): row is ImportEventRow => {
  const [sequence, userId, sessionId, itemId, kind, value, occurredAt] = row;
  const isTextOrNull = (given: unknown): boolean => given === null || typeof given === 'string';
  return (
    Number.isSafeInteger(sequence) &&
    isTextOrNull(userId) &&
    isTextOrNull(sessionId) &&
    typeof itemId === 'string' &&
    typeof kind === 'string' &&
    (value === null || Number.isFinite(value)) &&
    Number.isSafeInteger(occurredAt)
  );
};

const checkedEvent = (row: ImportEventRow, kinds: KindTable): BackfillEvent => {
  const [sequence, userId, sessionId, itemId, kindName, value, occurredAt] = row;
  const kind = kinds.get(kindName);
  if (kind === undefined) {
    throw new FreshetError('unknown_kind', { known: [...kinds.keys()].join(', '), kind: kindName });
  }
  if ((userId === null) === (sessionId === null)) {
    throw badValue('Expected exactly one of userId and sessionId in each row.');
  }
  const subject = userId ?? sessionId ?? '';
  if (!isId(subject)) throw badId(userId === null ? 'sessionId' : 'userId', subject);
  if (!isId(itemId)) throw badId('itemId', itemId);
  return {
    sequence,
    userId,
    sessionId,
    itemId,
    kind: kindName,
    value: checkValue(value, kind),
    occurredAt: epochMs(occurredAt),
  };
};
