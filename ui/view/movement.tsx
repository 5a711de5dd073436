/** Places won or lost. */
export const Movement = ({ places }: { readonly places: number }) => {
  if (places === 0) return null;
  const isUp = places > 0;
  return (
    <span className={isUp ? 'moved up' : 'moved down'}>
      {isUp ? '▲' : '▼'}
      {Math.abs(places)}
      <span className="sr-only">{isUp ? ' places up' : ' places down'}</span>
    </span>
  );
};
