import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../schemas/silent-logger.fixture.ts';
import { untilAborted } from '../../../schemas/until-aborted.ts';
import { type FaultProxy, startFaultProxy } from '../../../test/services/fault-proxy.ts';
import { type KafkaServers, startKafka } from '../../../test/services/kafka-server.ts';
import { newNamespace, testClock } from './kafka-log.fixture.ts';
import { joinKafkaOwnership } from './kafka-ownership.ts';

const UNITS = Array.from({ length: 8 }, (_, at) => `interactions.${at}`);
const SESSION_MS = 2_500;
const PATIENCE = { timeout: 60_000, interval: 50 };

let kafka: KafkaServers;
let proxy: FaultProxy;

beforeAll(async () => {
  kafka = await startKafka();
  const [broker] = kafka.brokers;
  proxy = await startFaultProxy({
    port: broker!.proxyPort,
    targetPort: broker!.ports.proxied,
  });
});

afterAll(async () => {
  await proxy.stop();
  await kafka.stop();
});

interface Participant {
  /** What it works on now; undefined between two turns. */
  units: readonly string[] | undefined;
  turns: number;
  /** Ends as a process does that was asked to. */
  stop(): Promise<void>;
}

const participants: Participant[] = [];
afterEach(async () => {
  proxy.resume();
  await Promise.all(participants.splice(0).map((each) => each.stop()));
});

const join = (
  namespace: string,
  {
    through = 'plain',
    release = async () => undefined,
  }: { through?: 'plain' | 'proxy'; release?: () => Promise<void> } = {},
): Participant => {
  const [broker] = kafka.brokers;
  const port = through === 'plain' ? broker!.ports.plain : broker!.proxyPort;
  const ownership = joinKafkaOwnership({
    access: {
      brokers: [`127.0.0.1:${port}`],
      clientId: 'test',
      connectMsMax: 2_000,
      requestMsMax: 2_000,
      logger: silentLogger,
    },
    namespace,
    group: 'stream',
    units: UNITS,
    clock: testClock,
    logger: silentLogger,
    sessionMsMax: SESSION_MS,
    releaseMsMax: 5_000,
  });
  const ending = new AbortController();
  const participant: Participant = { units: undefined, turns: 0, stop: async () => undefined };
  const running = ownership.run(async (units, signal) => {
    participant.units = units;
    participant.turns += 1;
    await untilAborted(signal);
    await release();
    participant.units = undefined;
  }, ending.signal);
  participant.stop = () => {
    ending.abort();
    return running;
  };
  participants.push(participant);
  return participant;
};

const sizesOf = (all: readonly Participant[]): readonly number[] =>
  all.map(({ units }) => units?.length ?? -1).sort((a, b) => a - b);

const expectShared = async (
  all: readonly Participant[],
  sizes: readonly number[],
): Promise<void> => {
  await expect.poll(() => sizesOf(all), PATIENCE).toEqual(sizes);
  expect(all.flatMap(({ units }) => units ?? []).sort()).toEqual([...UNITS].sort());
};

describe('KafkaOwnership', () => {
  it('shares units out, again when a member comes, and again when it leaves', async () => {
    const namespace = newNamespace();
    const first = join(namespace);
    await expectShared([first], [8]);
    const second = join(namespace);
    await expectShared([first, second], [4, 4]);
    const kept = [first.units ?? [], second.units ?? []];
    const third = join(namespace);
    await expectShared([first, second, third], [2, 3, 3]);
    expect(kept[0]).toEqual(expect.arrayContaining([...(first.units ?? [])]));
    expect(kept[1]).toEqual(expect.arrayContaining([...(second.units ?? [])]));
    await third.stop();
    await expectShared([first, second], [4, 4]);
  });

  it('gives a standby nothing while there are more members than units', async () => {
    const namespace = newNamespace();
    const all = Array.from({ length: 9 }, () => join(namespace));
    await expectShared(all, [0, 1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('lets a member go that waits for the others, before it gets anything', async () => {
    const namespace = newNamespace();
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const release = (): Promise<void> => {
      asked.resolve();
      return released.promise;
    };
    const first = join(namespace, { release });
    await expectShared([first], [8]);
    const second = join(namespace);
    await asked.promise;
    await second.stop();
    expect(second.turns).toBe(0);
    released.resolve();
    await expectShared([first], [8]);
  });

  it('gives units away only after whoever had them has stopped', async () => {
    const namespace = newNamespace();
    let isReleasing = false;
    let finishRelease: () => void = () => undefined;
    const first = join(namespace, {
      release: () =>
        new Promise((resolve) => {
          isReleasing = true;
          finishRelease = resolve;
        }),
    });
    await expectShared([first], [8]);
    const second = join(namespace);
    await expect.poll(() => isReleasing, PATIENCE).toBe(true);
    expect(second.units).toBeUndefined();
    finishRelease();
    await expectShared([first, second], [4, 4]);
    isReleasing = false;
    const stopped = first.stop();
    await expect.poll(() => isReleasing, PATIENCE).toBe(true);
    finishRelease();
    await stopped;
  });

  it('takes over from a member that is not heard of, which by then has stopped by itself', async () => {
    const namespace = newNamespace();
    const lost = join(namespace, { through: 'proxy' });
    const staying = join(namespace);
    await expectShared([lost, staying], [4, 4]);
    proxy.stall();
    let wereBothAtWork = false;
    await expect
      .poll(() => {
        const shared = new Set(staying.units);
        wereBothAtWork ||= (lost.units ?? []).some((unit) => shared.has(unit));
        return staying.units?.length;
      }, PATIENCE)
      .toBe(8);
    expect(lost.units).toBeUndefined();
    expect(wereBothAtWork).toBe(false);
    proxy.resume();
    await expectShared([lost, staying], [4, 4]);
  });

  it('goes on after the broker that keeps the group was killed', async () => {
    const namespace = newNamespace();
    const all = [join(namespace), join(namespace)];
    await expectShared(all, [4, 4]);
    const turns = all.map((each) => each.turns);
    await kafka.brokers[0]!.kill('SIGKILL');
    await expect.poll(() => sizesOf(all), PATIENCE).toEqual([-1, -1]);
    await kafka.brokers[0]!.restart();
    await expectShared(all, [4, 4]);
    expect(all.every((each, at) => each.turns > turns[at]!)).toBe(true);
  });
});
