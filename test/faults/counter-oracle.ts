/** What the stream says that became of all records: kept in the state, so no kill may change it. */
import type { SystemAnswer } from '../../schemas/api/system.ts';

export interface RecordCounts {
  /** Different events that must be there. */
  readonly accepted: number;
  /** Records in the log: some events came more than once. */
  readonly received: number;
}

export const compareCounters = (
  { counters: { interactions } }: Pick<SystemAnswer, 'counters'>,
  { accepted, received }: RecordCounts,
): readonly string[] => {
  const expected = {
    received,
    accepted,
    duplicate: received - accepted,
    refused: 0,
    deadLettered: 0,
  };
  return Object.entries(expected)
    .filter(([name, count]) => interactions?.[name] !== count)
    .map(([name, count]) => `the stream counted ${interactions?.[name]} ${name}, not ${count}`);
};
