/**
 * The driver's own book: each event is written down and synced before it is sent, then the answer.
 * The oracle compares everything else with it, so it shares no code with the product.
 */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface LedgerEvent {
  readonly source: string;
  readonly eventId: string;
  readonly userId: string;
  readonly itemId: string;
  readonly kind: string;
  readonly value: number | null;
  readonly occurredAtMs: number;
}

export type Verdict = 'acknowledged' | 'refused' | 'unknown';

type Line =
  | { readonly wrote: readonly LedgerEvent[] }
  | { readonly eventIds: readonly string[]; readonly verdict: Verdict };

export interface Ledger {
  intend(events: readonly LedgerEvent[]): void;
  settle(eventIds: readonly string[], verdict: Verdict): void;
  close(): void;
}

export const openLedger = (path: string): Ledger => {
  const file = openSync(path, 'a');
  const write = (line: Line): void => {
    writeSync(file, `${JSON.stringify(line)}\n`);
  };
  return {
    intend(events) {
      write({ wrote: events });
      fsyncSync(file);
    },
    settle: (eventIds, verdict) => write({ eventIds, verdict }),
    close: () => closeSync(file),
  };
};

export interface SettledLedger {
  readonly events: ReadonlyMap<string, LedgerEvent>;
  readonly acknowledged: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  /** Sent, never answered: neither must nor must not be there. Empty after a complete run. */
  readonly unknown: ReadonlySet<string>;
}

export const readLedger = (path: string): SettledLedger => {
  const events = new Map<string, LedgerEvent>();
  const verdicts = new Map<string, Verdict>();
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    if (text === '') continue;
    const line = JSON.parse(text) as Line;
    if ('wrote' in line) {
      for (const event of line.wrote) {
        events.set(event.eventId, event);
        if (!verdicts.has(event.eventId)) verdicts.set(event.eventId, 'unknown');
      }
    } else {
      for (const id of line.eventIds) {
        // An acknowledgement is for ever: a later lost answer takes nothing back.
        if (verdicts.get(id) !== 'acknowledged') verdicts.set(id, line.verdict);
      }
    }
  }
  const having = (verdict: Verdict): ReadonlySet<string> =>
    new Set([...verdicts].filter(([, found]) => found === verdict).map(([id]) => id));
  return {
    events,
    acknowledged: having('acknowledged'),
    refused: having('refused'),
    unknown: having('unknown'),
  };
};
