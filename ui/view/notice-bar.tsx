/**
 * One sentence at the bottom: what was done, with a way back, or what failed. What was done goes by itself,
 * since it covers films, but not from under a pointer or the focus; what failed stays until it is closed.
 */
import { useEffect, useRef } from 'react';
import { later } from '../store/clock.ts';
import type { Notice } from '../store/page-state.ts';

interface NoticeBarProps {
  readonly notice: Notice;
  readonly onUndo: () => void;
  readonly onDismiss: () => void;
}

const SHOWN_MS = 10_000;
/** Whoever points at it has so long to come back. */
const LOOK_AGAIN_MS = 1_000;

export const NoticeBar = ({ notice, onUndo, onDismiss }: NoticeBarProps) => {
  const bar = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (notice.isError) return;
    const look = (): void => {
      const isHeld = bar.current?.matches(':hover, :focus-within');
      if (isHeld) cancel = later(LOOK_AGAIN_MS, look);
      else onDismiss();
    };
    let cancel = later(SHOWN_MS, look);
    return () => cancel();
  }, [notice, onDismiss]);
  return (
    <div
      ref={bar}
      className={notice.isError ? 'notice error' : 'notice'}
      role={notice.isError ? 'alert' : 'status'}
    >
      <span>{notice.text}</span>
      {notice.undo === null ? null : (
        <button type="button" onClick={onUndo}>
          Undo
        </button>
      )}
      <button type="button" onClick={onDismiss}>
        Close
      </button>
    </div>
  );
};
