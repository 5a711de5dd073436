/**
 * The format of the state as a whole: which keys there are, what their bytes mean, and what operators
 * make of an event. A data directory says which one it holds.
 *
 * It rises by one with every change after which the same log makes other state: another layout that the
 * codecs do not read beside the old one, or an operator that counts otherwise. State of an older format is
 * thrown away at the next start and made anew from the log. Directories of before the format was numbered
 * count as 0; their bytes are those of 1.
 */
export const STATE_FORMAT = 1;

/** What a directory holds that does not say. */
export const UNNUMBERED_STATE_FORMAT = 0;
