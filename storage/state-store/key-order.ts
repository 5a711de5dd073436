/** The order of keys in every store: that of their UTF-8 bytes, which is not the one that texts have. */
export const compareKeys = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));
