import { describe, expect, it } from 'vitest';
import { loadConfiguration } from './configuration.ts';
import { servingOptionsOf } from './option-mapping.ts';

const optionsWith = (values: Readonly<Record<string, string>>) =>
  servingOptionsOf(loadConfiguration({ environment: values, flags: new Map() }).settings);

describe('what settings make of the options of lists', () => {
  it('a source proposes as many items as its setting says, on a first page no more than on others', () => {
    expect(optionsWith({}).ladder).toMatchObject({
      candidatesMax: 500,
      plainCandidatesMax: 120,
      commonCandidatesMax: 60,
    });
    const few = optionsWith({ FRESHET_CANDIDATES_PER_SOURCE: '40' });
    expect(few.ladder).toMatchObject({
      candidatesMax: 40,
      plainCandidatesMax: 40,
      commonCandidatesMax: 40,
    });
    const many = optionsWith({
      FRESHET_CANDIDATES_PER_SOURCE: '2000',
      FRESHET_CANDIDATES_FIRST_PAGE: '700',
    });
    expect(many.ladder).toMatchObject({
      candidatesMax: 2_000,
      plainCandidatesMax: 700,
      commonCandidatesMax: 60,
    });
  });

  it('no more vectors are made behind a switch than stay kept until it is over', () => {
    const { release } = optionsWith({ FRESHET_FOLD_IN_PEOPLE: '10000' });
    expect(release.foldInMax).toBe(10_000);
    expect(release.foldInMax).toBeLessThanOrEqual(release.vectorsMax / 2);
    expect(() => optionsWith({ FRESHET_FOLD_IN_PEOPLE: '10001' })).toThrow(
      'FRESHET_FOLD_IN_PEOPLE',
    );
  });
});
