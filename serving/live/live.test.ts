import { connect as connectTcp } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { subjectOfUser, userId } from '../../schemas/ids.ts';
import { applied, connect, LiveClient } from '../../test/serving/live-client.ts';
import { promote } from '../../test/serving/promotion.ts';
import { trainRelease } from '../../test/serving/release.fixture.ts';
import {
  item,
  openTestServing,
  settled,
  type TestServing,
  World,
} from '../../test/serving/serving-fixture.ts';
import { DEFAULT_SERVING_OPTIONS } from '../options.ts';

const ITEMS = Array.from({ length: 40 }, (_, index) =>
  item(`film-${index}`, { title: `Film ${index}`, categories: [`Genre ${index % 4}`] }),
);

const ADA = subjectOfUser(userId('ada'));
const PROXIES = ['127.0.0.1', '10.0.0.2'];

let under: TestServing;
let port: number;
const clients: LiveClient[] = [];

const open = async (world: World): Promise<void> => {
  under = await openTestServing(world, {
    trustsProxy: (address) => PROXIES.includes(address),
    live: {
      ...DEFAULT_SERVING_OPTIONS.live,
      coalesceBytes: 2_048,
      allowedOrigins: ['https://shop.example'],
    },
  });
  port = await under.listen();
};

beforeEach(async () => {
  const world = new World();
  await world.putItems(...ITEMS);
  await world.putItemStates(
    Object.fromEntries(
      ITEMS.map(({ itemId }, index) => [itemId, { popularity: 100 - index, fast: 1, slow: 9 }]),
    ),
  );
  await open(world);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate();
  await under.close();
});

const client = async (headers?: Record<string, string>): Promise<LiveClient> => {
  const opened = await connect(port, headers);
  clients.push(opened);
  return opened;
};
const ids = (list: Pick<ListAnswer, 'items'>): string[] => list.items.map(({ itemId }) => itemId);
const now = async (path: string): Promise<string[]> =>
  ids((await under.get<ListAnswer>(path)).body);

describe('the live socket', () => {
  it('begins with a snapshot, and a diff makes of it what the next answer is', async () => {
    const ada = await client();
    ada.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    const snapshot = await ada.next('snapshot');
    expect(ids(snapshot.list)).toEqual(await now('/v1/users/ada/recommendations'));
    await under.world.act('u:ada', { item: 'film-3', kind: 'rating', value: 5, id: 'the-rating' });
    const diff = await ada.next('diff');
    expect(diff).toMatchObject({
      id: 'mine',
      seq: snapshot.seq + 1,
      cause: { eventId: 'the-rating', itemId: 'film-3', title: 'Film 3', kind: 'rating' },
      eventToPushMs: 0,
      rung: 'content',
    });
    expect(applied(ids(snapshot.list), diff)).toEqual(await now('/v1/users/ada/recommendations'));
  });

  it('tells what another release makes of a list, as soon as it is in use', async () => {
    const { world } = under;
    await world.act('u:ada', { item: 'film-2' }, { item: 'film-4' });
    const ada = await client();
    ada.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    const snapshot = await ada.next('snapshot');
    expect(snapshot.list.models.als).toBeNull();
    const itemIds = ITEMS.map(({ itemId }) => itemId);
    const { manifest, files } = await trainRelease({ version: 'r1', itemIds });
    await world.artifactStore.publish(manifest, files);
    await promote(world.eventLog, 'r1', { at: world.clock.now() });
    const diff = await ada.next('diff');
    expect(diff).toMatchObject({ models: { als: 'r1' }, rung: 'personalised', cause: null });
    expect(applied(ids(snapshot.list), diff)).toEqual(await now('/v1/users/ada/recommendations'));
  });

  it('one person’s deeds reach no other person’s list', async () => {
    const ben = await client();
    ben.send({ op: 'subscribe', id: 'mine', channel: 'user:ben' });
    await ben.next('snapshot');
    await under.world.act('u:ada', { item: 'film-3' });
    await settled();
    expect(ben.messages.filter(({ type }) => type === 'diff')).toEqual([]);
  });

  it('[B1] with every hint dropped, the diff comes with the next poll', async () => {
    const ada = await client();
    ada.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    const snapshot = await ada.next('snapshot');
    under.world.liveBus.isDropping = true;
    await under.world.act('u:ada', { item: 'film-3' });
    await under.world.clock.advance(1_000);
    const diff = await ada.next('diff');
    expect(applied(ids(snapshot.list), diff)).toEqual(await now('/v1/users/ada/recommendations'));
  });

  it('lists that go by everybody follow the items, several changes in one diff', async () => {
    const viewer = await client();
    viewer.send({ op: 'subscribe', id: 'top', channel: 'list:trending', params: { limit: 5 } });
    viewer.send({ op: 'subscribe', id: 'alike', channel: 'item:film-1' });
    const snapshot = await viewer.next('snapshot');
    await viewer.next('snapshot');
    await under.world.putItemStates({ 'film-30': { popularity: 70, fast: 50, slow: 60 } });
    await under.world.putItemStates({ 'film-31': { popularity: 70, fast: 60, slow: 60 } });
    await under.world.putItemStates({ 'film-32': { popularity: 70, fast: 70, slow: 60 } });
    for (let quarter = 0; quarter < 8; quarter++) await under.world.clock.advance(250);
    let list = ids(snapshot.list);
    let diffs = 0;
    while (!list.includes('film-32')) {
      const diff = await viewer.next('diff');
      if (diff.id !== 'top') continue;
      list = applied(list, diff);
      diffs++;
    }
    expect(diffs).toBeLessThan(3);
    expect(list.slice(0, 3)).toEqual(['film-32', 'film-31', 'film-30']);
  });

  it('what is hidden leaves the lists that are watched', async () => {
    const viewer = await client();
    viewer.send({ op: 'subscribe', id: 'top', channel: 'list:popular', params: { limit: 5 } });
    await viewer.next('snapshot');
    await under.world.putItems(item('film-0', { title: 'Film 0', hidden: true }));
    expect((await viewer.next('diff')).left).toEqual(['film-0']);
  });

  it('a resume on another socket goes on without a gap', async () => {
    const first = await client();
    first.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    const snapshot = await first.next('snapshot');
    await first.close();
    await under.world.act('u:ada', { item: 'film-3' });
    const second = await client();
    second.send({ op: 'resume', id: 'mine', channel: 'user:ada', seq: snapshot.seq });
    expect(await second.next('resumed')).toMatchObject({ seq: snapshot.seq, from: 'seq' });
    const diff = await second.next('diff');
    expect(diff.seq).toBe(snapshot.seq + 1);
    expect(applied(ids(snapshot.list), diff)).toEqual(await now('/v1/users/ada/recommendations'));
  });

  it('a resume after a number that was never sent here begins with a snapshot and says so', async () => {
    const second = await client();
    second.send({ op: 'resume', id: 'mine', channel: 'user:ada', seq: 7 });
    expect(await second.next('resumed')).toMatchObject({ from: 'snapshot' });
    expect(ids((await second.next('snapshot')).list)).toHaveLength(10);
  });

  it('a parked subscription is forgotten after its time', async () => {
    const first = await client();
    first.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    const { seq } = await first.next('snapshot');
    await first.close();
    await under.world.clock.advance(60_001);
    const second = await client();
    second.send({ op: 'resume', id: 'mine', channel: 'user:ada', seq });
    expect(await second.next('resumed')).toMatchObject({ from: 'snapshot' });
  });

  it('a parked subscription is let go of with the person whose list it was', async () => {
    const first = await client();
    first.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    first.send({ op: 'subscribe', id: 'his', channel: 'user:ben' });
    const { seq } = await first.next('snapshot');
    const { seq: hisSeq } = await first.next('snapshot');
    await first.close();
    under.serving.letGoOf(ADA);
    expect(under.serving.status().live.parked).toBe(1);
    const second = await client();
    second.send({ op: 'resume', id: 'mine', channel: 'user:ada', seq });
    expect(await second.next('resumed')).toMatchObject({ id: 'mine', from: 'snapshot' });
    second.send({ op: 'resume', id: 'his', channel: 'user:ben', seq: hisSeq });
    expect(await second.next('resumed')).toMatchObject({ id: 'his', from: 'seq' });
  });

  it('a watched list is nobody’s when its person is let go of, also where no hint told', async () => {
    await under.world.act('u:ada', { item: 'film-3' });
    const ada = await client();
    ada.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    const snapshot = await ada.next('snapshot');
    expect(snapshot.list.rung).not.toBe('trend');
    under.world.liveBus.isDropping = true;
    await under.world.removeSubject('u:ada');
    under.serving.letGoOf(ADA);
    const diff = await ada.next('diff');
    expect(diff.rung).toBe('trend');
    expect(diff.seq).toBe(snapshot.seq + 1);
    await settled();
    await ada.close();
    const again = await client();
    again.send({ op: 'resume', id: 'mine', channel: 'user:ada', seq: snapshot.seq });
    expect(await again.next('resumed')).toMatchObject({ from: 'snapshot' });
  });

  it('a resume applies what it was sent to in order, each number once', async () => {
    const ada = await client();
    ada.send({ op: 'subscribe', id: 'mine', channel: 'user:ada' });
    let { seq, list } = await ada.next('snapshot');
    let shown = ids(list);
    for (let index = 0; index < 12; index++) {
      await under.world.act('u:ada', { item: `film-${index * 3}` });
      const diff = await ada.next('diff');
      expect(diff.seq).toBe(++seq);
      shown = applied(shown, diff);
    }
    expect(shown).toEqual(await now('/v1/users/ada/recommendations'));
  });

  it('a client that does not read is sent fewer, newer diffs, and others are not held up', async () => {
    const slow = await client();
    slow.send({ op: 'subscribe', id: 'mine', channel: 'user:ada', params: { limit: 100 } });
    const snapshot = await slow.next('snapshot');
    slow.socket.pause();
    const quick = await client();
    quick.send({ op: 'subscribe', id: 'mine', channel: 'user:ada', params: { limit: 100 } });
    let shown = ids((await quick.next('snapshot')).list);
    let events = 0;
    while (under.serving.status().live.coalesced < 5 && events < 3_000) {
      await under.world.act('u:ada', { item: `film-${(events++ * 7) % 40}`, kind: 'view' });
      shown = applied(shown, await quick.next('diff'));
    }
    expect(shown).toEqual(await now('/v1/users/ada/recommendations?limit=100'));
    slow.socket.resume();
    let late = ids(snapshot.list);
    while (late.join() !== shown.join()) late = applied(late, await slow.next('diff'));
    const sent = slow.messages.filter(({ type }) => type === 'diff').length;
    expect(sent).toBeLessThan(events);
  });

  it('tells what happens, and how much of it was left out', async () => {
    const viewer = await client();
    viewer.send({ op: 'subscribe', id: 'all', channel: 'activity' });
    while (under.serving.status().live.subscriptions === 0) await settled();
    await settled();
    const events = Array.from({ length: 25 }, (_, index) => ({
      item: `film-${index}`,
      kind: 'view',
    }));
    await under.world.act('u:ada', ...events);
    await under.world.clock.advance(500);
    const { events: told, skipped } = await viewer.next('activity');
    expect(told).toHaveLength(20);
    expect(skipped).toBe(5);
    expect(told[0]).toMatchObject({
      subject: 'u:ada',
      itemId: 'film-0',
      title: 'Film 0',
      kind: 'view',
    });
  });

  it('tells nobody what happened before they listened', async () => {
    const viewer = await client();
    const listen = async (): Promise<void> => {
      viewer.send({ op: 'subscribe', id: 'all', channel: 'activity' });
      while (under.serving.status().live.subscriptions === 0) await settled();
      await settled();
    };
    await listen();
    await under.world.act('u:ada', { item: 'film-1' });
    viewer.send({ op: 'unsubscribe', id: 'all' });
    await viewer.next('unsubscribed');
    await settled();
    await listen();
    await under.world.act('u:ben', { item: 'film-2' });
    await under.world.clock.advance(500);
    const { events: told } = await viewer.next('activity');
    expect(told.map(({ subject }) => subject)).toEqual(['u:ben']);
  });

  it('ends what answers no heartbeat, and what subscribes to nothing', async () => {
    const idle = await client();
    for (let beat = 0; beat < 4; beat++) {
      await under.world.clock.advance(15_000);
      await idle.next('heartbeat');
      await settled();
    }
    expect(await idle.closed).toMatchObject({ code: 1008, reason: 'no subscription' });
  });
});

describe('what the live socket refuses', () => {
  it('answers bad messages with what was wrong, and closes after several', async () => {
    const bad = await client();
    bad.send('no json');
    expect((await bad.next('error')).error.code).toBe('bad_json');
    bad.send({ op: 'dance' });
    expect((await bad.next('error')).error.message).toBe(
      'Expected op to be one of subscribe, unsubscribe, resume, got dance.',
    );
    bad.send({ op: 'subscribe', id: 'a', channel: 'kitchen' });
    expect(await bad.next('error')).toMatchObject({ id: 'a', error: { code: 'bad_request' } });
    bad.send({ op: 'subscribe', id: 'a', channel: 'user:ada', params: { limit: 0 } });
    expect((await bad.next('error')).error.message).toContain('from 1 to 100, got 0');
    bad.send({ op: 'subscribe', id: 'a', channel: 'item:unknown' });
    expect((await bad.next('error')).error.code).toBe('not_found');
    bad.send({ op: 'subscribe', id: 'a', channel: 'system' });
    expect((await bad.next('error')).error.code).toBe('unavailable');
    expect(await bad.closed).toMatchObject({ code: 1008 });
  });

  it('takes no message above 64 KiB and no more than 20 a second', async () => {
    const large = await client();
    large.send('x'.repeat(65_537));
    expect((await large.closed).code).toBe(1009);
    const fast = await client();
    for (let index = 0; index < 21; index++) fast.send({ op: 'unsubscribe', id: 'none' });
    expect((await fast.next('error')).error.code).toBe('too_many_requests');
  });

  it('holds a socket to 50 subscriptions', async () => {
    const many = await client();
    for (let index = 0; index <= 50; index++) {
      if (index % 20 === 0) await under.world.clock.advance(1_000);
      many.send({ op: 'subscribe', id: `s${index}`, channel: `user:u${index}` });
      if (index < 50) await many.next('snapshot');
    }
    expect((await many.next('error')).error.message).toContain('at most 50 subscriptions');
  });

  it('takes 50 sockets of an address, which is the one that trusted proxies name', async () => {
    const opensFor = async (forwarded: string): Promise<boolean> => {
      const asking = new LiveClient(port, { 'x-forwarded-for': forwarded });
      clients.push(asking);
      return asking.opened();
    };
    for (let index = 0; index < 50; index++) expect(await opensFor('192.0.2.1')).toBe(true);
    // What a client says of itself stands before what proxies say of it.
    expect(await opensFor('192.0.2.9, 192.0.2.1, 10.0.0.2')).toBe(false);
    expect(await opensFor('192.0.2.1, 192.0.2.9')).toBe(true);
  });

  it('opens to its own origin and the listed ones, to no other', async () => {
    const refused = new LiveClient(port, { origin: 'https://evil.example' });
    clients.push(refused);
    expect(await refused.opened()).toBe(false);
    for (const origin of ['https://shop.example', `http://127.0.0.1:${port}`]) {
      const allowed = new LiveClient(port, { origin });
      clients.push(allowed);
      expect(await allowed.opened()).toBe(true);
    }
  });

  it('answers an upgrade of any other path with 404', async () => {
    const answer = await new Promise<string>((done) => {
      const socket = connectTcp(port, '127.0.0.1', () =>
        socket.write(
          'GET /other HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
        ),
      );
      socket.on('data', (data) => done(data.toString()));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 404/);
  });
});

describe('server-sent events', () => {
  it('are the same messages, numbered, and go on after the last one', async () => {
    const read = async (headers: Record<string, string>, until: number): Promise<string> => {
      const stopping = new AbortController();
      const response = await fetch(
        `http://127.0.0.1:${port}/v1/live/stream?channel=user:ada&limit=3`,
        {
          headers,
          signal: stopping.signal,
        },
      );
      expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
      let text = '';
      const reader = response.body!.getReader();
      while (text.split('\n\n').length <= until) {
        const { value } = await reader.read();
        text += new TextDecoder().decode(value);
        if (text.includes('event: snapshot') && until === 2) {
          await under.world.act('u:ada', { item: 'film-3' });
        }
      }
      stopping.abort();
      return text;
    };
    const text = await read({}, 2);
    const [snapshot, diff] = text.split('\n\n');
    expect(snapshot).toMatch(/^id: \d+\nevent: snapshot\ndata: \{/);
    expect(diff).toMatch(/^id: \d+\nevent: diff\ndata: \{/);
    await settled();
    const last = /^id: (\d+)/m.exec(diff!)![1]!;
    expect(await read({ 'last-event-id': last }, 1)).toContain('"from":"seq"');
  });

  it('of a channel that there is none of is a plain error', async () => {
    const { status, body } = await under.get('/v1/live/stream?channel=item:unknown');
    expect(status).toBe(404);
    expect(body).toMatchObject({ error: { code: 'not_found' } });
  });
});
