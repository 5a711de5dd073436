/** Bundles the page: three files in `ui/dist`, made again only when a source is newer. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const SOURCES = import.meta.dirname;
const SHARED = join(SOURCES, '..', 'schemas');
export const PAGE_DIRECTORY = join(SOURCES, 'dist');

export const buildPageWhereStale = async (): Promise<void> => {
  const built = join(PAGE_DIRECTORY, 'page.js');
  const isFresh = existsSync(built) && statSync(built).mtimeMs > newestSourceMs();
  if (!isFresh) await buildPage();
};

export const buildPage = async (): Promise<void> => {
  mkdirSync(PAGE_DIRECTORY, { recursive: true });
  await build({
    entryPoints: { page: join(SOURCES, 'page.tsx') },
    outdir: PAGE_DIRECTORY,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'silent',
  });
  for (const name of ['index.html', 'icon.svg']) {
    copyFileSync(join(SOURCES, name), join(PAGE_DIRECTORY, name));
  }
};

const newestSourceMs = (): number =>
  Math.max(...[SOURCES, SHARED].flatMap(sourceFiles).map((path) => statSync(path).mtimeMs));

const sourceFiles = (directory: string): readonly string[] =>
  readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'dist') return [];
    const path = join(directory, entry.name);
    return entry.isDirectory() ? sourceFiles(path) : [path];
  });
