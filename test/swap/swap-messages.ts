/** What the server of a swap run tells. */
export interface SwapServerFacts {
  readonly port: number;
}

/** How a promotion ended. */
export interface Promoted {
  readonly isInUse: boolean;
  readonly inUse: string | null;
  /** Why it was refused. */
  readonly reason: string | null;
  readonly loadMs: number | null;
  readonly memoryBytes: number;
}

export interface LoopDelays {
  readonly p99Ms: number;
  readonly maxMs: number;
}
