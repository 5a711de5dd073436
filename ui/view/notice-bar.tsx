/** One sentence at the bottom: what was done, with a way back, or what failed. */
import type { Notice } from '../store/page-state.ts';

interface NoticeBarProps {
  readonly notice: Notice;
  readonly onUndo: () => void;
  readonly onDismiss: () => void;
}

export const NoticeBar = ({ notice, onUndo, onDismiss }: NoticeBarProps) => (
  <div
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
