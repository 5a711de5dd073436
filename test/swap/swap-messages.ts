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

/** How it went on the thread that answers, since it was asked last. */
export interface ThreadFacts {
  readonly delayP99Ms: number;
  readonly delayMaxMs: number;
  /** Share of the time in which it had something to do. */
  readonly busy: number;
}
