/** Five stars to press; the pressed ones stay lit. */
interface StarsProps {
  readonly label: string;
  readonly rated: number | undefined;
  readonly onRate: (stars: number) => void;
}

const STARS = [1, 2, 3, 4, 5] as const;

export const Stars = ({ label, rated, onRate }: StarsProps) => (
  <fieldset className={rated === undefined ? 'stars' : 'stars rated'}>
    <legend className="sr-only">Rate {label}</legend>
    {STARS.map((stars) => (
      <button
        key={stars}
        type="button"
        className={rated !== undefined && stars <= rated ? 'star on' : 'star'}
        aria-label={`${stars} of 5 stars`}
        aria-pressed={rated === stars}
        onClick={() => onRate(stars)}
      >
        ★
      </button>
    ))}
  </fieldset>
);
