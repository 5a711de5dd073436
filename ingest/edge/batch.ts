/** What one request brought, whatever form it came in. */
export interface Batch {
  readonly values: readonly unknown[];
  /** Where the values stand in the body, as a JSON pointer, for messages: `/events`, or nothing. */
  readonly where: string;
  /** One value and no list: what is refused of it is the answer to the whole request. */
  readonly isSingle: boolean;
}

export const batchOf = (values: readonly unknown[]): Batch => ({
  values,
  where: '',
  isSingle: false,
});

/** The path of a value in messages. */
export const placeIn = ({ where, isSingle }: Batch, index: number): string =>
  isSingle ? '' : `${where}/${index}`;
