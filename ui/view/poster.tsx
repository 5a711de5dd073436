/** A tile that stands for a film: colours from its id, so that a film always looks the same. */
interface PosterProps {
  readonly itemId: string;
  readonly title: string;
  readonly onOpen: () => void;
}

const HUES = 360;

export const Poster = ({ itemId, title, onOpen }: PosterProps) => {
  const hash = hashOf(itemId);
  const hue = hash % HUES;
  const second = (hue + 35 + ((hash >>> 9) % 60)) % HUES;
  const background = `linear-gradient(${(hash >>> 4) % 360}deg, hsl(${hue} 45% 32%), hsl(${second} 55% 20%))`;
  return (
    <button
      type="button"
      className="poster"
      style={{ background }}
      onClick={onOpen}
      tabIndex={-1}
      aria-hidden="true"
    >
      <span className="initial">{initialOf(title)}</span>
    </button>
  );
};

export const colourOf = (text: string): string => `hsl(${hashOf(text) % HUES} 45% 40%)`;

const initialOf = (title: string): string =>
  title
    .replace(/^(The|A|An) /, '')
    .slice(0, 1)
    .toUpperCase();

/** FNV-1a: enough to spread colours. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
};
