/** A name server on loopback that knows A records only: what a container engine's tells a balancer. */
import { createSocket } from 'node:dgram';

export interface NameServer {
  readonly address: string;
  set(name: string, addresses: readonly string[]): void;
  close(): void;
}

const HEADER_BYTES = 12;
const TYPE_AND_CLASS_BYTES = 4;
const ANSWER_FLAGS = 0x8580;
const TYPE_A = 1;
const CLASS_INTERNET = 1;
/** Points to the name in the question. */
const NAME_POINTER = 0xc00c;

export const startNameServer = async (port: number): Promise<NameServer> => {
  const records = new Map<string, readonly string[]>();
  const socket = createSocket('udp4');
  socket.on('message', (query, { port: from, address }) => {
    socket.send(answerTo(query, records), from, address);
  });
  await new Promise<void>((listening) => socket.bind(port, '127.0.0.1', listening));
  return {
    address: `udp/127.0.0.1:${port}`,
    set: (name, addresses) => {
      records.set(name, addresses);
    },
    close: () => {
      socket.close();
    },
  };
};

const answerTo = (query: Buffer, records: ReadonlyMap<string, readonly string[]>): Buffer => {
  const { name, end } = nameAt(query, HEADER_BYTES);
  const questionEnd = end + TYPE_AND_CLASS_BYTES;
  const isForAddresses = query.readUInt16BE(end) === TYPE_A;
  const addresses = isForAddresses ? (records.get(name) ?? []) : [];
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(ANSWER_FLAGS, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const question = query.subarray(HEADER_BYTES, questionEnd);
  return Buffer.concat([header, question, ...addresses.map(recordOf)]);
};

const recordOf = (address: string): Buffer => {
  const record = Buffer.alloc(16);
  record.writeUInt16BE(NAME_POINTER, 0);
  record.writeUInt16BE(TYPE_A, 2);
  record.writeUInt16BE(CLASS_INTERNET, 4);
  record.writeUInt32BE(0, 6);
  record.writeUInt16BE(4, 10);
  record.set(address.split('.').map(Number), 12);
  return record;
};

const nameAt = (query: Buffer, start: number): { readonly name: string; readonly end: number } => {
  const labels: string[] = [];
  let at = start;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += length + 1;
  }
  return { name: labels.join('.'), end: at + 1 };
};
