/** What a test of forgetting asks of the edge, and what it can read of the log afterwards. */
import { setImmediate } from 'node:timers/promises';
import type { ForgetReceipt } from '../../schemas/api/forgetting.ts';
import { decodeRecord } from '../../schemas/avro/record-codec.ts';
import { TOPICS, type TopicSpec } from '../../schemas/topics.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import { readTopic, type TestIngest } from './ingest-fixture.ts';

/** What a crash point throws in the place of ending the process. */
export class Crash extends Error {}

/** The status of the answer. */
export const click = async (
  { app }: TestIngest,
  userId: string,
  itemId: string,
): Promise<number> => {
  const payload = { userId, itemId, kind: 'click' };
  return (await app.inject({ method: 'POST', url: '/v1/events', payload })).statusCode;
};

export const forget = async ({ app }: TestIngest, userId: string): Promise<ForgetReceipt> =>
  (await app.inject({ method: 'DELETE', url: `/v1/users/${userId}` })).json();

/** The receipt once all is done, from a process that may not have heard of the request yet. */
export const untilForgotten = async (
  { app }: TestIngest,
  requestId: string,
): Promise<ForgetReceipt> => {
  for (;;) {
    const answer = await app.inject({ url: `/v1/receipts/${requestId}` });
    if (answer.statusCode === 200 && answer.json<ForgetReceipt>().stage === 'done') {
      return answer.json();
    }
    await setImmediate();
  }
};

/** What can be read of the interactions, in the order of the log. */
export const readableEvents = async (log: EventLog): Promise<readonly string[]> =>
  (await readTopic(log, TOPICS.interactions.name)).map(({ value }) => {
    if (value === null) return 'erased';
    const { name, record } = decodeRecord(value);
    return name === 'Interaction' ? `${record.userId} ${record.itemId}` : name;
  });

/** Everything that the log holds as it lies there. */
export const storedText = async (log: EventLog, topics: readonly TopicSpec[]): Promise<string> => {
  const pieces: Buffer[] = [];
  for (const { name } of topics) {
    for (const { key, value } of await readTopic(log, name)) {
      pieces.push(Buffer.from(key ?? []), Buffer.from(value ?? []));
    }
  }
  return Buffer.concat(pieces).toString('latin1');
};
