/** What a score is made of, as one small bar; each part is named on hover and for screen readers. */
import type { ListEntry } from '../../schemas/api/lists.ts';
import { partText } from './wording.ts';

export const ScoreParts = ({ item }: { readonly item: ListEntry }) => {
  const parts = Object.entries(item.parts)
    .filter(([, share]) => share > 0)
    .sort(([, a], [, b]) => b - a);
  const total = parts.reduce((sum, [, share]) => sum + share, 0);
  if (total <= 0) return null;
  const text = parts
    .map(([part, share]) => `${partText(part)} ${Math.round((100 * share) / total)} %`)
    .join(', ');
  return (
    <span className="parts" role="img" aria-label={`Made of: ${text}`} title={text}>
      {parts.map(([part, share]) => (
        <i key={part} className={`part-${part}`} style={{ flexGrow: share / total }} />
      ))}
    </span>
  );
};
