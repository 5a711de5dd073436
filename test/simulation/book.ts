/**
 * What the clients of a simulation know: every event that they sent, in each form that they gave it,
 * and what they were told. The oracle holds log and state against it.
 */
import type { EventInput, EventsAnswer } from '../../schemas/api/events.ts';
import type { InteractionRecord } from '../../schemas/records.ts';

export interface SentEvent {
  readonly input: EventInput;
  isAcknowledged: boolean;
  /** False once the log may hold it: it was sent and the answer was not a plain refusal. */
  isCertainlyRefused: boolean;
}

const subjectText = (event: {
  readonly userId?: string | null;
  readonly sessionId?: string | null;
}): string => (event.userId ? `u:${event.userId}` : `s:${event.sessionId}`);

/** (source, id, subject): what makes two events one. */
export const identityOf = (event: {
  readonly source?: string;
  readonly eventId?: string;
  readonly userId?: string | null;
  readonly sessionId?: string | null;
}): string => JSON.stringify([event.source, event.eventId, subjectText(event)]);

export class Book {
  /** By identity, the forms it was sent in: clients that contradict themselves name another item. */
  readonly #sent = new Map<string, SentEvent[]>();

  /** Before it is sent. */
  intend(events: readonly EventInput[]): void {
    for (const input of events) {
      const forms = this.#sent.get(identityOf(input)) ?? [];
      this.#sent.set(identityOf(input), forms);
      if (formOf(forms, input) !== undefined) continue;
      forms.push({ input, isAcknowledged: false, isCertainlyRefused: true });
    }
  }

  /** Nobody knows what became of it; or will know, when the same was on its way twice. */
  lost(events: readonly EventInput[]): void {
    for (const input of events) this.#formOf(input).isCertainlyRefused = false;
  }

  /** What is wrong with the answer; undefined where nothing is. */
  settle(events: readonly EventInput[], answer: EventsAnswer): string | undefined {
    const refused = new Map(answer.refused.map((each) => [each.index, each]));
    let problem: string | undefined;
    if (answer.accepted + answer.duplicates + answer.refused.length !== events.length) {
      problem = `an answer about ${events.length} events does not add up: ${JSON.stringify(answer)}`;
    }
    events.forEach((input, index) => {
      const form = this.#formOf(input);
      const refusal = refused.get(index);
      if (refusal === undefined) {
        form.isAcknowledged = true;
        form.isCertainlyRefused = false;
      } else if (refusal.code === 'id_conflict' && this.formsOf(identityOf(input)).length === 1) {
        problem = `${identityOf(input)} was refused as contradicting itself, but was sent in one form`;
      }
    });
    return problem;
  }

  formsOf(identity: string): readonly SentEvent[] {
    return this.#sent.get(identity) ?? [];
  }

  all(): readonly SentEvent[] {
    return [...this.#sent.values()].flat();
  }

  /** The form that a record of the log was sent in. */
  formOfRecord(record: InteractionRecord): SentEvent | undefined {
    const forms = this.formsOf(identityOf(record));
    return forms.find(({ input }) => isSame(input, record));
  }

  #formOf(input: EventInput): SentEvent {
    return formOf(this.formsOf(identityOf(input)), input)!;
  }
}

const formOf = (forms: readonly SentEvent[], input: EventInput): SentEvent | undefined =>
  forms.find((form) => form.input.itemId === input.itemId);

const isSame = (input: EventInput, record: InteractionRecord): boolean =>
  input.itemId === record.itemId &&
  input.kind === record.kind &&
  (input.value ?? null) === record.value &&
  (input.context?.undoes ?? null) === (record.context?.undoes ?? null) &&
  (input.occurredAt === undefined || Date.parse(input.occurredAt) === record.occurredAt);
