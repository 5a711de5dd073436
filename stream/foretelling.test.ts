import { expect, it } from 'vitest';
import type { StatePartition } from '../schemas/ids.ts';
import { decodeSubjectState } from '../schemas/state/subject-codec.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { openMemoryEventLog } from '../storage/event-log/memory-event-log.ts';
import {
  STATE_AHEAD,
  STATE_HINTS,
  type StateAhead,
  type StateHint,
} from '../storage/live-bus/live-bus.ts';
import {
  createStreamFixture,
  interaction,
  type StreamFixture,
  topicsOf,
} from '../test/stream/stream-fixture.ts';
import { DEFAULT_STREAM_OPTIONS } from './options.ts';
import { createStream } from './stream.ts';

const ONE = { userPartitions: 1, itemPartitions: 1 };
const PEOPLE = 'interactions.0' as StatePartition;

/** A log whose item signals become durable only once they are let go. */
const logWithHeldSignals = () => {
  const log: EventLog = openMemoryEventLog({ topics: topicsOf(1, 1), random: () => 0.5 });
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const append = log.append.bind(log);
  log.append = async (topic, partition, records) => {
    if (topic === 'item-signals') {
      asked.resolve();
      await held.promise;
    }
    return append(topic, partition, records);
  };
  return { eventLog: log, asked: asked.promise, letGo: held.resolve };
};

const following = (
  fixture: StreamFixture,
  { foretoldKeysMax }: { readonly foretoldKeysMax: number },
) => {
  const told: { readonly channel: string; readonly message: unknown }[] = [];
  const { runner } = DEFAULT_STREAM_OPTIONS;
  const stream = createStream({
    ...fixture.deps,
    options: { ...DEFAULT_STREAM_OPTIONS, runner: { ...runner, foretoldKeysMax } },
    liveBus: {
      ...fixture.bus,
      publish: (channel, message) => void told.push({ channel, message }),
    },
  });
  const on = <Message>(channel: string): readonly Message[] =>
    told.flatMap((each) => (each.channel === channel ? [each.message as Message] : []));
  return {
    stream,
    foretold: () => on<StateAhead>(STATE_AHEAD),
    hints: () => on<StateHint>(STATE_HINTS).filter(({ partition }) => partition === PEOPLE),
  };
};

it('[I4] foretells what people’s states become while their signals are not durable, and stores it after', async () => {
  const { eventLog, asked, letGo } = logWithHeldSignals();
  const fixture = createStreamFixture({ ...ONE, eventLog });
  const { stream, foretold, hints } = following(fixture, { foretoldKeysMax: 100 });
  await fixture.interact(interaction({ id: 'first', item: 'a' }));
  await stream.start();
  await asked;
  const [ahead] = foretold();
  const key = 'subject:u:ada';
  expect(ahead).toMatchObject({ hint: { partition: PEOPLE, from: -1, to: 0 } });
  expect(ahead!.hint.keys).toContain(key);
  expect(ahead!.changes.some((change) => change.key.startsWith('dedupe'))).toBe(false);
  // What is sent to another thread takes the whole buffer below it along.
  for (const { value } of ahead!.changes) expect(value!.buffer.byteLength).toBe(value!.length);
  expect(await fixture.subject('u:ada')).toBeUndefined();
  expect(hints()).toEqual([]);

  letGo();
  await stream.caughtUp();
  const stored = await fixture.subject('u:ada');
  const value = ahead!.changes.find((change) => change.key === key)!.value!;
  expect(decodeSubjectState(value)).toEqual(stored);
  expect(hints()).toEqual([ahead!.hint]);
  const { epoch: _, ...position } = (await fixture.deps.stateStore.position(PEOPLE))!;
  expect(ahead!.position).toEqual(position);
  await stream.stop();
});

it('foretells nothing where that is not asked for, and no flush of more keys than may be', async () => {
  for (const foretoldKeysMax of [0, 3]) {
    const fixture = createStreamFixture(ONE);
    const { stream, foretold, hints } = following(fixture, { foretoldKeysMax });
    const people = ['ada', 'bob', 'cy', 'dee', 'eve'];
    await fixture.interact(...people.map((user) => interaction({ user, item: 'a' })));
    await stream.start();
    await stream.caughtUp();
    await stream.stop();
    expect(hints().length).toBeGreaterThan(0);
    expect(foretold()).toEqual([]);
  }
});
