/**
 * The two sources of item signals besides people: the catalogue, of which item-side operators need
 * the categories and what was deleted, and `rebase` records of the control log, which move the
 * landmark of every counter. They keep no state but their progress and their counters.
 */
import type { FreshetError } from '../schemas/errors.ts';
import { FreshetError as Failure } from '../schemas/errors.ts';
import type { EpochMs, ItemId } from '../schemas/ids.ts';
import type { DeadLetterRecord } from '../schemas/records.ts';
import { PARTITION_KEY } from '../schemas/state/item-state.ts';
import {
  decodeForwarder,
  emptyForwarder,
  encodePartitionState,
  type ForwarderState,
} from '../schemas/state/partition-state.ts';
import type { LogRecord } from '../storage/event-log/event-log.ts';
import type { StateChange } from '../storage/state-store/state-store.ts';
import {
  deadLetterOf,
  type Pipeline,
  type SourceRecord,
  type StateAccess,
  sourceRecordOf,
} from './pipeline.ts';
import { landmarkOf, REBASE } from './rebase.ts';
import {
  type Envelope,
  SignalBatch,
  type SignalSource,
  type SourceInputs,
} from './signal-batch.ts';

const KEYS = 1;
const BYTES = 1_024;
const NO_SUBJECT = 0;
const NO_CLOCK = 0 as EpochMs;
const decoder = new TextDecoder();

abstract class ForwardingPipeline implements Pipeline<SourceRecord> {
  protected readonly source: SignalSource;
  protected readonly signals: SignalBatch;
  #state: ForwarderState = emptyForwarder();
  #deadLetters: DeadLetterRecord[] = [];
  #isChanged = false;

  constructor(given: SourceInputs) {
    this.source = given.source;
    this.signals = new SignalBatch(given);
  }

  /** Sends on what items need of the record, or says what is wrong with it. */
  protected abstract forward(record: SourceRecord): FreshetError | undefined;

  async open({ store, partition }: StateAccess): Promise<void> {
    this.#deadLetters = [];
    this.#isChanged = false;
    const [stored] = await store.getMany(partition, [PARTITION_KEY]);
    this.#state = stored === undefined ? emptyForwarder() : decodeForwarder(stored);
  }

  get partition(): ForwarderState {
    return this.#state;
  }

  prepare(log: LogRecord): SourceRecord {
    return sourceRecordOf(log);
  }

  prefetch(): void {
    // Nothing is kept of single items here.
  }

  keyCountOf(): number {
    return 0;
  }

  load(): void {
    // Nothing was asked for.
  }

  take(record: SourceRecord): void {
    const { counters } = this.#state;
    this.#isChanged = true;
    counters.received++;
    const problem = record.problem ?? this.forward(record);
    if (problem === undefined) {
      counters.accepted++;
      return;
    }
    counters.deadLettered++;
    const { topic, partition } = this.source;
    this.#deadLetters.push(deadLetterOf(topic, partition, record.log, problem));
  }

  readonly pendingKeys = KEYS;
  readonly pendingBytes = BYTES;

  envelopes(): readonly Envelope[] {
    return this.signals.take();
  }

  deadLetters(): readonly DeadLetterRecord[] {
    const letters = this.#deadLetters;
    this.#deadLetters = [];
    return letters;
  }

  changes(): readonly StateChange[] {
    if (!this.#isChanged) return [];
    this.#isChanged = false;
    return [{ key: PARTITION_KEY, value: encodePartitionState(this.#state) }];
  }

  applied(): void {
    // Nothing is cached.
  }
}

export class CataloguePipeline extends ForwardingPipeline {
  protected forward({ named, log }: SourceRecord): FreshetError | undefined {
    this.signals.begin(log.offset, NO_SUBJECT, NO_CLOCK);
    if (log.value === null) {
      if (log.key === null) return unexpected('a tombstone without a key');
      this.signals.catalogue(decoder.decode(log.key) as ItemId, [], true);
      return undefined;
    }
    if (named?.name !== 'CatalogueItem') return unexpected(named?.name ?? 'nothing');
    this.signals.catalogue(named.record.itemId, named.record.categories, false);
    return undefined;
  }
}

export class ControlPipeline extends ForwardingPipeline {
  protected forward({ named, log }: SourceRecord): FreshetError | undefined {
    // A tombstone withdraws a fact; none of those concerns counters.
    if (log.value === null) return undefined;
    if (named?.name !== 'Control') return unexpected(named?.name ?? 'nothing');
    if (named.record.kind !== REBASE) return undefined;
    const landmark = landmarkOf(named.record);
    if (landmark === undefined) return unexpected('a rebase without a landmark');
    this.signals.begin(log.offset, NO_SUBJECT, NO_CLOCK);
    this.signals.rebase(log.offset, landmark, NO_CLOCK);
    return undefined;
  }
}

const unexpected = (what: string): FreshetError =>
  new Failure('bad_record', { problem: `${what} where another record belongs` });
