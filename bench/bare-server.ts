/**
 * Bare node:http: reads the body, parses nothing, keeps nothing, answers as much as an event's answer.
 * Prints its port.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const ANSWER = Buffer.from(
  '{"accepted":1,"duplicates":0,"refused":[],"eventIds":["e-6m8ls2jua3zskm-1"],' +
    '"positions":[{"partition":2,"offset":123456}]}',
);
const HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  'content-length': ANSWER.length,
};

const server = createServer((request, response) => {
  request.on('data', () => {});
  request.on('end', () => {
    response.writeHead(200, HEADERS);
    response.end(ANSWER);
  });
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
process.once('SIGTERM', () => process.exit(0));
process.stdin.resume().once('end', () => process.exit(0));
