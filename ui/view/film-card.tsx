/** One film of a list: what it is, why it is here, and what one can do about it. */
import type { ListEntry } from '../../schemas/api/lists.ts';
import { Poster } from './poster.tsx';
import { Stars } from './stars.tsx';

interface FilmCardProps {
  readonly item: ListEntry;
  readonly isNew: boolean;
  readonly rated: number | undefined;
  readonly onOpen: (itemId: string) => void;
  readonly onRate: (itemId: string, title: string, stars: number) => void;
  readonly onHide: (itemId: string, title: string) => void;
}

export const FilmCard = ({ item, isNew, rated, onOpen, onRate, onHide }: FilmCardProps) => {
  const title = item.title;
  return (
    <li className={isNew ? 'film entered' : 'film'}>
      <Poster itemId={item.itemId} title={title} onOpen={() => onOpen(item.itemId)} />
      <div className="body">
        <button type="button" className="title" onClick={() => onOpen(item.itemId)}>
          <span className="rank">{item.rank}.</span> {title}
        </button>
        <p className="why">{reasonOf(item)}</p>
        <div className="acts">
          <Stars
            label={title}
            rated={rated}
            onRate={(stars) => onRate(item.itemId, title, stars)}
          />
          <span className="spacer" />
          <button
            type="button"
            className="icon-button"
            title="Do not show me this"
            aria-label={`Do not show me ${title}`}
            onClick={() => onHide(item.itemId, title)}
          >
            ✕
          </button>
        </div>
      </div>
    </li>
  );
};

const reasonOf = (item: ListEntry): string => item.reasons[0]?.text ?? 'New here';
