/**
 * Finds a film by the beginning of its words or by a person; one typo is forgiven. A combobox: arrow
 * keys walk through what was found, Enter opens it, Escape closes; `/` comes here from anywhere.
 */
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { Item } from '../../schemas/api/items.ts';
import type { SearchView } from '../store/page-state.ts';

interface SearchBoxProps {
  readonly search: SearchView;
  readonly onSearch: (text: string) => void;
  readonly onOpen: (itemId: string) => void;
}

const RESULTS_ID = 'search-results';
const optionId = (index: number): string => `search-result-${index}`;

export const SearchBox = ({ search, onSearch, onOpen }: SearchBoxProps) => {
  const [isOpen, setOpen] = useState(false);
  const [marked, setMarked] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  useSlashKey(input);
  const results = search.results ?? [];
  const isShown = isOpen && search.text.trim() !== '';
  const open = (item: Item): void => {
    setOpen(false);
    setMarked(-1);
    onSearch('');
    onOpen(item.itemId);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const picked = results[marked];
    if (step !== undefined && results.length > 0) {
      event.preventDefault();
      setOpen(true);
      setMarked(
        (at) => (at + step + results.length + (at < 0 && step < 0 ? 1 : 0)) % results.length,
      );
    } else if (event.key === 'Enter' && isShown && picked) {
      // Else the key would press the button that gets the focus now.
      event.preventDefault();
      open(picked);
    }
    if (event.key === 'Escape' && isShown) {
      event.preventDefault();
      setOpen(false);
    }
  };
  return (
    <search
      className="search"
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <input
        ref={input}
        className="field"
        type="search"
        role="combobox"
        placeholder="Find a film or a person   /"
        aria-label="Find a film or a person"
        aria-expanded={isShown}
        aria-controls={RESULTS_ID}
        aria-autocomplete="list"
        aria-activedescendant={isShown && marked >= 0 ? optionId(marked) : undefined}
        value={search.text}
        onClick={() => setOpen(true)}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setOpen(true);
          setMarked(-1);
          onSearch(event.target.value);
        }}
      />
      {isShown ? <Results search={search} marked={marked} onPick={open} /> : null}
    </search>
  );
};

interface ResultsProps {
  readonly search: SearchView;
  readonly marked: number;
  readonly onPick: (item: Item) => void;
}

const Results = ({ search, marked, onPick }: ResultsProps) => (
  <div className="results" id={RESULTS_ID} role="listbox" aria-label="Films found">
    {search.results === null ? (
      <p className="quiet">{search.hasFailed ? 'No answer came.' : 'Looking…'}</p>
    ) : null}
    {search.results?.length === 0 ? (
      <p className="quiet">Nothing found for “{search.text}”.</p>
    ) : null}
    {(search.results ?? []).map((item, index) => (
      <button
        key={item.itemId}
        id={optionId(index)}
        type="button"
        role="option"
        tabIndex={-1}
        aria-selected={index === marked}
        className={index === marked ? 'marked' : ''}
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => onPick(item)}
      >
        <span>{item.title}</span>
        <span className="quiet">
          {[item.attributes.year, item.people[0]].filter((fact) => fact !== undefined).join(' · ')}
        </span>
      </button>
    ))}
  </div>
);

const useSlashKey = (input: { readonly current: HTMLInputElement | null }): void => {
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, select');
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [input]);
};
