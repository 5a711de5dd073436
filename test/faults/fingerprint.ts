/**
 * Four order-free sums over a set of events: how many, how many different ids, the sum of their
 * values, and the xor of a 64-bit hash of each id. Two places that hold the same events have the
 * same fingerprint, whatever the order; a lost, doubled or exchanged event changes it.
 */
import { createHash } from 'node:crypto';

export interface Fingerprint {
  readonly count: number;
  readonly distinct: number;
  readonly valueTenths: number;
  readonly xor: string;
}

export interface Fingerprintable {
  readonly eventId: string;
  readonly value: number | null;
}

export const fingerprintOf = (events: Iterable<Fingerprintable>): Fingerprint => {
  const ids = new Set<string>();
  let count = 0;
  let valueTenths = 0;
  let xor = 0n;
  for (const { eventId, value } of events) {
    count += 1;
    ids.add(eventId);
    valueTenths += Math.round((value ?? 0) * 10);
    xor ^= hashOf(eventId);
  }
  return { count, distinct: ids.size, valueTenths, xor: xor.toString(16).padStart(16, '0') };
};

const hashOf = (id: string): bigint => createHash('sha256').update(id).digest().readBigUInt64LE(0);

/** One fingerprint per group (partition, item, hour), for finding where two places differ. */
export const fingerprintsBy = <Event extends Fingerprintable>(
  events: Iterable<Event>,
  groupOf: (event: Event) => string,
): ReadonlyMap<string, Fingerprint> => {
  const groups = new Map<string, Event[]>();
  for (const event of events) {
    const group = groupOf(event);
    const members = groups.get(group);
    if (members) members.push(event);
    else groups.set(group, [event]);
  }
  return new Map([...groups].map(([group, members]) => [group, fingerprintOf(members)]));
};
