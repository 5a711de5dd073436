/** Finds out what kind of data set lies at a path. */
import { FreshetError } from '../../schemas/errors.ts';
import type { Dataset } from './dataset.ts';
import { openMovieLens } from './movielens.ts';
import { openSourceFiles, type SourceFiles } from './source-files.ts';

export interface OpenDataset {
  readonly dataset: Dataset;
  close(): void;
}

export const openDataset = async (path: string): Promise<OpenDataset> => {
  const source = await openSourceFiles(path);
  try {
    const dataset = openMovieLens(source);
    if (!dataset) throw unknownDataset(path, source);
    return { dataset, close: () => source.close() };
  } catch (error) {
    source.close();
    throw error;
  }
};

const NAMES_SHOWN_MAX = 8;

const unknownDataset = (path: string, { files }: SourceFiles): FreshetError => {
  const names = files.slice(0, NAMES_SHOWN_MAX).map(({ name }) => name);
  return new FreshetError('bad_file', {
    expected: 'MovieLens',
    path,
    got: names.length === 0 ? 'no files' : names.join(', '),
  });
};
