/**
 * Writes a small data directory with the real program, as it now is, and packs it: afterwards the file
 * stays in the repository for as long as directories of that format may be lying about.
 *
 *   node test/programs/make-directory.ts
 *
 * The file is named after the format of the state; beside it lies what that state's fingerprint was. Run
 * it once whenever STATE_FORMAT has risen, and keep what it wrote before.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { post, postEvents, runCommand, untilTakenIn } from '../faults/program-calls.ts';
import { startServer } from '../faults/server-process.ts';
import { freePort } from '../services/free-port.ts';
import { FOLDER, PRESENT } from './directories/packed.ts';
import { fingerprintOfState } from './state-fingerprint.ts';

const PEOPLE = 12;
const ITEMS = 10;
const EVENTS = 150;
const KINDS = ['click', 'view', 'like', 'rating', 'dislike'];
const IMPORTED = Array.from(
  { length: 30 },
  (_, at) => `old-${at % 4},item-${at % 7},2024-0${1 + (at % 9)}-11T10:00:00Z`,
);

const root = mkdtempSync(join(tmpdir(), 'freshet-directory-'));
const data = join(root, 'data');

const items = Array.from({ length: ITEMS }, (_, at) => ({
  itemId: `item-${at}`,
  title: `Item ${at}`,
  categories: [at % 2 === 0 ? 'even' : 'odd'],
}));

const eventOf = (at: number) => {
  const kind = KINDS[at % KINDS.length]!;
  return {
    eventId: `event-${at}`,
    userId: `user-${(at * 7) % PEOPLE}`,
    itemId: `item-${(at * at + at) % ITEMS}`,
    kind,
    ...(kind === 'rating' ? { value: 1 + (at % 5) } : {}),
  };
};

const FLAGS = ['--empty', '--no-warehouse', '--user-partitions', '2', '--item-partitions', '2'];

try {
  const server = await startServer({ dataDirectory: data, port: await freePort(), flags: FLAGS });
  await post(server, '/v1/items', { items });
  const events = Array.from({ length: EVENTS }, (_, at) => eventOf(at));
  await postEvents(server, events, 10);
  await postEvents(server, events.slice(0, 5));
  const orders = join(root, 'orders.csv');
  writeFileSync(orders, ['customer,sku,date', ...IMPORTED].join('\n'));
  const map = 'userId=customer,itemId=sku,occurredAt=date,kind:=purchase';
  const imported = runCommand(['import', orders, '--map', map, '--data', data]);
  if (imported.status !== 0) throw new Error(imported.stderr);
  await untilTakenIn(server);
  await server.kill('SIGTERM');
  const fingerprint = await fingerprintOfState(data);
  writeFileSync(join(FOLDER, `${PRESENT}.json`), `${JSON.stringify(fingerprint, null, 2)}\n`);
  const packing = [
    '--exclude=lock.mdb',
    '-czf',
    join(FOLDER, `${PRESENT}.tgz`),
    '-C',
    root,
    'data',
  ];
  spawnSync('tar', packing, { stdio: 'inherit' });
} finally {
  rmSync(root, { recursive: true, force: true });
}
