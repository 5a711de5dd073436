/**
 * What a stream writes to its state, kept and written again with nothing around it: the ground that the
 * rate of the stream on Redis stands on. The same scripts with the same bytes in the same order, one
 * outstanding for each partition, as the stream has it.
 */
import type { StatePartition } from '../../schemas/ids.ts';
import type { ApplyRequest, StateStore } from '../../storage/state-store/state-store.ts';

export class RecordedApplies {
  readonly #byPartition = new Map<StatePartition, ApplyRequest[]>();
  applies = 0;
  values = 0;
  bytes = 0;

  /** The store, whose applies are kept. */
  recording(store: StateStore): StateStore {
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'apply') {
          return async (partition: StatePartition, request: ApplyRequest) => {
            const result = await target.apply(partition, request);
            if (result.outcome === 'applied') this.#keep(partition, request);
            return result;
          };
        }
        const found = target[name as keyof StateStore];
        return typeof found === 'function' ? found.bind(target) : found;
      },
    });
  }

  #keep(partition: StatePartition, request: ApplyRequest): void {
    const kept = this.#byPartition.get(partition) ?? [];
    this.#byPartition.set(partition, kept);
    // The stream may use its buffers again.
    const changes = request.changes.map(({ key, value }) => ({ key, value: value?.slice() }));
    kept.push({ ...request, changes });
    this.applies += 1;
    this.values += changes.length;
    for (const { value } of changes) this.bytes += value?.length ?? 0;
  }

  async writeAgain(store: StateStore): Promise<void> {
    await Promise.all(
      [...this.#byPartition].map(async ([partition, requests]) => {
        const { epoch } = await store.claim(partition);
        for (const request of requests) {
          const { outcome } = await store.apply(partition, { ...request, epoch });
          if (outcome !== 'applied') throw new Error(`Expected an apply, got ${outcome}`);
        }
      }),
    );
  }
}
