/** Text out of zip and gzip files. */
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import yauzl from 'yauzl';
import { dataFile } from './location.ts';

const unzip = promisify(gunzip);

export const readGzip = async (name: string): Promise<string> =>
  (await unzip(await readFile(dataFile(name)))).toString('utf8');

/** The text of the entry whose path ends in `suffix`. */
export const readZipEntry = (name: string, suffix: string): Promise<string> =>
  new Promise((resolve, reject) => {
    yauzl.open(dataFile(name), { lazyEntries: true }, (error, zip) => {
      if (error) return reject(error);
      zip.on('error', reject);
      zip.on('end', () => reject(new Error(`Expected ${suffix} in ${name}, found none.`)));
      zip.on('entry', (entry: yauzl.Entry) => {
        if (!entry.fileName.endsWith(suffix)) return zip.readEntry();
        zip.openReadStream(entry, (openError, stream) => {
          if (openError) return reject(openError);
          const chunks: Buffer[] = [];
          stream.on('data', (chunk: Buffer) => chunks.push(chunk));
          stream.on('error', reject);
          stream.on('end', () => {
            zip.close();
            resolve(Buffer.concat(chunks).toString('utf8'));
          });
        });
      });
      zip.readEntry();
    });
  });

export const linesOf = (text: string): string[] =>
  text.split(/\r?\n/).filter((line) => line !== '');
