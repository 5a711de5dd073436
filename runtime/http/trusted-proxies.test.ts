import { describe, expect, it } from 'vitest';
import { trustsProxiesIn } from './trusted-proxies.ts';

describe('trusted proxies', () => {
  it.each([
    [['192.0.2.7'], ['192.0.2.7', '::ffff:192.0.2.7'], ['192.0.2.8', '']],
    [
      ['192.0.2.0/24', '2001:db8::/32'],
      ['192.0.2.8', '2001:db8::1'],
      ['192.0.3.1', '2001:db9::1'],
    ],
    [['loopback'], ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'], ['10.0.0.1']],
    [
      ['uniquelocal', 'linklocal'],
      ['10.1.2.3', '172.31.0.1', 'fd00::2'],
      ['127.0.0.1', '8.8.8.8'],
    ],
    [[], [], ['127.0.0.1', '::1']],
  ])('%j are these and no others', (proxies, trusted, strangers) => {
    const trusts = trustsProxiesIn(proxies);
    expect(trusted.filter((address) => !trusts(address))).toEqual([]);
    expect(strangers.filter(trusts)).toEqual([]);
  });

  it.each(['nonsense', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1/129', ''])(
    'are not named by %j, which is said at the start',
    (proxy) => {
      expect(() => trustsProxiesIn([proxy])).toThrow(`got ${proxy}.`);
    },
  );
});
