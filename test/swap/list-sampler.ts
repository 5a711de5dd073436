/**
 * Asks for lists while releases are swapped, and holds each against the release that it names: every
 * model of an answer is of one release, and the parts are those that this release gives, and no other.
 */
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { ReleaseReference } from './recomputed-parts.ts';

export interface SampleReport {
  readonly asked: number;
  readonly byVersion: Readonly<Record<string, number>>;
  readonly problems: readonly string[];
}

interface Sample {
  readonly liked: readonly number[];
  readonly answer: ListAnswer;
}

const LIKED = 8;
const LISTED = 20;
/** Parts are told to six digits; that vectors have 32 bits shows in the seventh. */
const TOLERANCE = 1e-5;
const PAUSE_MS = 15;
/** What tells releases apart. */
const MODELS = ['taste', 'embedding'] as const;

export class ListSampler {
  readonly #url: string;
  readonly #items: number;
  readonly #people: number;
  readonly #random;
  readonly #samples: Sample[] = [];
  readonly #problems: string[] = [];
  #asked = 0;
  #isOver = false;
  #asking: Promise<void> = Promise.resolve();

  constructor(given: { port: number; items: number; people: number; seed: number }) {
    this.#url = `http://127.0.0.1:${given.port}/v1`;
    this.#items = given.items;
    this.#people = given.people;
    this.#random = seededRandom(given.seed);
  }

  start(): void {
    this.#asking = this.#askForEver();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#asking;
  }

  /** Computes each sampled list anew. */
  report(references: ReadonlyMap<string, ReleaseReference>): SampleReport {
    const byVersion: Record<string, number> = {};
    const problems = [...this.#problems];
    for (const { liked, answer } of this.#samples) {
      const version = versionOf(answer);
      const own = version === undefined ? undefined : references.get(version);
      if (version === undefined || own === undefined) {
        problems.push(`a list by ${JSON.stringify(answer.models)}`);
        continue;
      }
      const fitting = [...references].filter(([, reference]) => isOf(reference, liked, answer));
      const names = fitting.map(([name]) => name);
      // A list of which no item is proposed by a model is one that several releases may give.
      const isAmbiguous = !answer.items.some(({ parts }) => MODELS.some((part) => part in parts));
      if (!names.includes(version) || (names.length > 1 && !isAmbiguous)) {
        problems.push(`a list by ${version} has the parts of ${names.join() || 'none'}`);
      }
      if (!isAmbiguous) byVersion[version] = (byVersion[version] ?? 0) + 1;
    }
    return { asked: this.#asked, byVersion, problems };
  }

  async #askForEver(): Promise<void> {
    while (!this.#isOver) {
      try {
        await this.#ask();
      } catch (error) {
        this.#problems.push(`a request failed: ${error}`);
      }
      await new Promise((done) => setTimeout(done, PAUSE_MS));
    }
  }

  /** One list for a posted history, whose parts can be computed anew, and one of a person. */
  async #ask(): Promise<void> {
    const liked: number[] = [];
    while (liked.length < LIKED) {
      const item = this.#random.below(this.#items);
      if (!liked.includes(item)) liked.push(item);
    }
    const events = liked.map((item) => ({ itemId: `item-${item}`, kind: 'like' }));
    const body = JSON.stringify({ events, limit: LISTED, diversity: 0 });
    const headers = { 'content-type': 'application/json' };
    const answer = await this.#answerOf('/recommendations', { method: 'POST', headers, body });
    this.#samples.push({ liked, answer });
    const person = this.#random.below(this.#people);
    const own = await this.#answerOf(`/users/p${person}/recommendations`);
    if (versionOf(own) === undefined) {
      this.#problems.push(`a person’s list by ${JSON.stringify(own.models)}`);
    }
  }

  async #answerOf(path: string, options: RequestInit = {}): Promise<ListAnswer> {
    this.#asked++;
    const response = await fetch(`${this.#url}${path}`, options);
    if (!response.ok) throw new Error(`${response.status} of ${path}`);
    return (await response.json()) as ListAnswer;
  }
}

/** undefined where the models of an answer are of several releases, or of none. */
const versionOf = ({ models }: ListAnswer): string | undefined => {
  const versions = new Set(Object.values(models).filter((version) => version !== null));
  return versions.size === 1 ? [...versions][0] : undefined;
};

const isOf = (
  reference: ReleaseReference,
  liked: readonly number[],
  { items }: ListAnswer,
): boolean => {
  const expected = reference.partsOf(liked);
  return items.every(({ itemId, parts }) => {
    const item = Number(itemId.slice('item-'.length));
    return MODELS.every((part) => {
      const { amounts, atCut } = expected[part];
      const off = Math.abs((parts[part] ?? 0) - (amounts.get(item) ?? 0));
      return off <= TOLERANCE || atCut.has(item);
    });
  });
};
