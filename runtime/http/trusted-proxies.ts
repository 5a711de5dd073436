/**
 * Which proxies are believed about whom they speak for: single addresses, networks such as 10.0.0.0/8, and
 * ranges by name. Requests and sockets go by the same list, so that behind a balancer each client has
 * limits of its own.
 */
import { BlockList, isIP } from 'node:net';
import { FreshetError } from '../../schemas/errors.ts';

/** Whether what this address forwards is believed. */
export type TrustsProxy = (address: string) => boolean;

const RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

export const trustsProxiesIn = (proxies: readonly string[]): TrustsProxy => {
  const trusted = new BlockList();
  for (const entry of proxies.flatMap((proxy) => RANGES[proxy] ?? [proxy])) add(trusted, entry);
  return (address) => {
    const family = familyOf(address);
    return family !== undefined && trusted.check(address, family);
  };
};

const add = (trusted: BlockList, entry: string): void => {
  const [address = '', bits, ...more] = entry.split('/');
  const family = familyOf(address);
  const most = family === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  const isNetwork = Number.isInteger(prefix) && prefix >= 0 && prefix <= most && bits !== '';
  if (family === undefined || !isNetwork || more.length > 0) {
    const kinds = `an address, a network or one of ${Object.keys(RANGES).join(', ')}`;
    throw new FreshetError('bad_settings', {
      problem: `Expected each trusted proxy to be ${kinds}, got ${entry}.`,
    });
  }
  trusted.addSubnet(address, prefix, family);
};

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined => {
  const version = isIP(address);
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6';
};
