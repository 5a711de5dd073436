/** One film of a list: what it is, why it is here, and what one can do about it. */
import type { ListEntry } from '../../schemas/api/lists.ts';
import { Movement } from './movement.tsx';
import { Poster } from './poster.tsx';
import { ScoreParts } from './score-parts.tsx';
import { Stars } from './stars.tsx';

export interface FilmActions {
  readonly onOpen: (itemId: string) => void;
  readonly onRate: (itemId: string, title: string, stars: number) => void;
  readonly onHide: (itemId: string, title: string) => void;
}

interface FilmCardProps extends FilmActions {
  readonly item: ListEntry;
  readonly isNew: boolean;
  readonly movedBy: number;
  readonly rated: number | undefined;
}

export const FilmCard = ({ item, isNew, movedBy, rated, ...actions }: FilmCardProps) => {
  const { itemId, title } = item;
  return (
    <li className={isNew ? 'film entered' : 'film'} data-key={itemId}>
      <div className="cover">
        <Poster itemId={itemId} title={title} />
        {isNew ? <span className="badge">new</span> : <Movement places={movedBy} />}
      </div>
      <div className="body">
        <div className="line">
          <span className="rank">{item.rank}</span>
          <button type="button" className="title" onClick={() => actions.onOpen(itemId)}>
            {title}
          </button>
        </div>
        <p className="why">{item.reasons[0]?.text ?? ''}</p>
        <ScoreParts item={item} />
        <div className="acts">
          <Stars
            label={title}
            rated={rated}
            onRate={(stars) => actions.onRate(itemId, title, stars)}
          />
          <button
            type="button"
            className="icon-button"
            title="Do not show me this"
            aria-label={`Do not show me ${title}`}
            onClick={() => actions.onHide(itemId, title)}
          >
            ✕
          </button>
        </div>
      </div>
    </li>
  );
};
