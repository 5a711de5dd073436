import { describe, expect, it } from 'vitest';
import { ownUrlOf } from './own-url.ts';

describe('ownUrlOf', () => {
  it('is localhost where the instance listens there, or everywhere', () => {
    for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
      expect(ownUrlOf({ host, basePath: '' }, 8090)).toBe('http://localhost:8090');
    }
  });

  it('is the one address that the instance listens on', () => {
    expect(ownUrlOf({ host: '10.1.2.3', basePath: '/shop' }, 80)).toBe('http://10.1.2.3:80/shop');
    expect(ownUrlOf({ host: 'fd00::7', basePath: '' }, 80)).toBe('http://[fd00::7]:80');
  });
});
