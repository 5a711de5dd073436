/** A certificate for loopback that nobody trusts but who is told to, made by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TlsFiles {
  /** Paths. */
  readonly certificate: string;
  readonly key: string;
  /** PEM of the certificate, for whoever is to trust it. */
  readonly authority: string;
  remove(): void;
}

export const makeTlsFiles = (): TlsFiles => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-tls-'));
  const certificate = join(directory, 'certificate.pem');
  const key = join(directory, 'key.pem');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-days', '2', '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', key, '-out', certificate],
    ],
    { stdio: 'pipe' },
  );
  return {
    certificate,
    key,
    authority: readFileSync(certificate, 'utf8'),
    remove: () => rmSync(directory, { recursive: true }),
  };
};
