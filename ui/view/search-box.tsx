/** Finds a film by the beginning of its words; one typo is forgiven. */
import { useState } from 'react';
import type { SearchView } from '../store/page-state.ts';

interface SearchBoxProps {
  readonly search: SearchView;
  readonly onSearch: (text: string) => void;
  readonly onOpen: (itemId: string) => void;
}

export const SearchBox = ({ search, onSearch, onOpen }: SearchBoxProps) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <search
      className="search"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') setOpen(false);
      }}
    >
      <input
        className="field"
        type="search"
        placeholder="Find a film or a person"
        aria-label="Find a film or a person"
        value={search.text}
        onFocus={() => setOpen(true)}
        onChange={(event) => {
          setOpen(true);
          onSearch(event.target.value);
        }}
      />
      {isOpen && search.text !== '' ? (
        <ul className="results">
          {search.results.length === 0 ? <li className="quiet">Nothing found.</li> : null}
          {search.results.map((item) => (
            <li key={item.itemId}>
              <button
                type="button"
                onClick={() => {
                  setOpen(false);
                  onOpen(item.itemId);
                }}
              >
                <span>{item.title}</span>
                <span className="quiet">{item.categories.slice(0, 2).join(', ')}</span>
              </button>
            </li>
          ))}
        </ul>
      ) : null}
    </search>
  );
};
