/** What people did with a film, and how its stars are spread. */
import type { Item } from '../../schemas/api/items.ts';
import { countText } from './wording.ts';

export const FilmCounters = ({ counters }: { readonly counters: Item['counters'] }) => {
  const { ratingHistogram, ratingCount, ratingMean, interactions } = counters;
  const tallest = Math.max(1, ...ratingHistogram);
  return (
    <>
      <div className="counters">
        <Counter value={countText(interactions)} name="interactions" />
        <Counter value={countText(ratingCount)} name="ratings" />
        <Counter value={ratingMean === null ? '–' : ratingMean.toFixed(2)} name="mean stars" />
      </div>
      {ratingCount === 0 ? null : (
        <div
          className="bars"
          role="img"
          aria-label={`Stars: ${ratingHistogram.map((count, at) => `${(at + 1) / 2}: ${count}`).join(', ')}`}
        >
          {ratingHistogram.map((count, halfStars) => (
            <i
              // biome-ignore lint/suspicious/noArrayIndexKey: the index is the half star itself
              key={halfStars}
              style={{ height: `${(count / tallest) * 100}%` }}
              title={`${(halfStars + 1) / 2} ★: ${count}`}
            />
          ))}
        </div>
      )}
    </>
  );
};

const Counter = ({ value, name }: { readonly value: string; readonly name: string }) => (
  <div>
    <b>{value}</b>
    <span className="quiet">{name}</span>
  </div>
);
