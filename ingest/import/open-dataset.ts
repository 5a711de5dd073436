/** Finds out what kind of data set lies at a path: the known ones by their files, else by columns. */
import { FreshetError } from '../../schemas/errors.ts';
import type { Dataset } from './dataset.ts';
import { openFreshetExport } from './freshet-export.ts';
import { openKaggleMovies } from './kaggle-movies.ts';
import { type MappedFileOptions, openMappedFile } from './mapped-file.ts';
import { openMovieLens } from './movielens.ts';
import { openSourceFiles, type SourceFiles } from './source-files.ts';

export interface OpenDataset {
  readonly dataset: Dataset;
  close(): void;
}

/** With a map, or a file named, the path is read by its columns, whatever it looks like. */
export const openDataset = async (
  path: string,
  options: MappedFileOptions = {},
): Promise<OpenDataset> => {
  const source = await openSourceFiles(path);
  try {
    const isKnown = options.map === undefined && options.file === undefined;
    const known = isKnown
      ? ((await openFreshetExport(source)) ?? openKaggleMovies(source) ?? openMovieLens(source))
      : undefined;
    const dataset = known ?? (await openMappedFile(source, options));
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
    expected:
      'MovieLens (movies and ratings), The Movies Dataset (movies_metadata.csv), an export of Freshet, or one CSV, NDJSON or JSON file',
    path,
    got: names.length === 0 ? 'no files' : names.join(', '),
  });
};
