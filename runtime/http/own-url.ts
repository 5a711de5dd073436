/** Where this instance answers itself, whatever address it was told to listen on. */
import type { Settings } from '../settings.ts';

const HERE = ['127.0.0.1', '0.0.0.0', '::', '::1', 'localhost'];

export const ownUrlOf = (
  { host, basePath }: Pick<Settings, 'host' | 'basePath'>,
  port: number,
): string => {
  const name = HERE.includes(host) ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}${basePath}`;
};
