/**
 * Lets the entries of a list glide from where they were to where they are (FLIP: first, last,
 * invert, play). The animation runs on transforms alone, and not at all for people who asked their
 * system for less motion.
 */
import { type RefObject, useLayoutEffect, useRef } from 'react';

const GLIDE_MS = 420;
/** Beyond this many pixels an entry would fly across the page: it appears in place instead. */
const GLIDE_PIXELS_MAX = 1_600;

/** Children of the list are told apart by `data-key`. `revision` rises with each change. */
export const useMoveAnimation = (
  list: RefObject<HTMLElement | null>,
  revision: number | undefined,
): void => {
  const places = useRef(new Map<string, DOMRect>());
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new revision is what moves entries
  useLayoutEffect(() => {
    const before = places.current;
    const isStill = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    const after = new Map<string, DOMRect>();
    for (const child of list.current?.children ?? []) {
      if (!(child instanceof HTMLElement) || child.dataset.key === undefined) continue;
      const place = placeOf(child);
      after.set(child.dataset.key, place);
      const from = before.get(child.dataset.key);
      if (from && !isStill) glide(child, from, place);
    }
    places.current = after;
  }, [list, revision]);
};

/** Within the document, so that scrolling in between moves nothing. */
const placeOf = (element: HTMLElement): DOMRect => {
  const { x, y, width, height } = element.getBoundingClientRect();
  return new DOMRect(x + window.scrollX, y + window.scrollY, width, height);
};

const glide = (element: HTMLElement, from: DOMRect, to: DOMRect): void => {
  const x = from.x - to.x;
  const y = from.y - to.y;
  const distance = Math.hypot(x, y);
  if (distance < 1 || distance > GLIDE_PIXELS_MAX) return;
  element.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: 'none' }], {
    duration: GLIDE_MS,
    easing: 'cubic-bezier(.2,.8,.2,1)',
  });
};
