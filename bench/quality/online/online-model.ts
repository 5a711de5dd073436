/** A model of the prequential table: it ranks for a person, then learns what they did. */
export interface OnlineModel {
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** `history` holds the person's items before this event, oldest first. */
  score(user: number, history: readonly number[], scores: Float64Array): void;
  /** `history` as before: without `item`. */
  learn(user: number, history: readonly number[], item: number): void;
  /** Called now and then for what is solved rather than counted. */
  refresh?(): Promise<void>;
}

export interface OnlineSize {
  readonly userCount: number;
  readonly itemCount: number;
}
