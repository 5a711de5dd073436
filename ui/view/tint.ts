/** Colours and shapes from a name, so that a film or a person always looks the same. */

/** FNV-1a: enough to spread colours. */
export const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
};

const HUES = 360;

export const avatarColour = (name: string): string => `hsl(${hashOf(name) % HUES} 45% 38%)`;

/** The background of a poster: one of four simple compositions in two neighbouring colours. */
export const posterBackground = (itemId: string): string => {
  const hash = hashOf(itemId);
  const hue = hash % HUES;
  const other = (hue + 25 + ((hash >>> 9) % 50)) % HUES;
  const dark = `hsl(${other} 50% 17%)`;
  const middle = `hsl(${hue} 45% 30%)`;
  const light = `hsl(${hue} 62% 52%)`;
  const x = 15 + ((hash >>> 12) % 70);
  const y = 25 + ((hash >>> 18) % 45);
  const size = 16 + ((hash >>> 22) % 14);
  switch ((hash >>> 4) % 4) {
    case 0:
      return `radial-gradient(circle at ${x}% ${y}%, ${light} 0 ${size}%, transparent ${size + 0.6}%), linear-gradient(${middle}, ${dark})`;
    case 1:
      return `linear-gradient(115deg, transparent 0 ${x}%, ${light} ${x}% ${x + 6}%, transparent ${x + 6}%), linear-gradient(200deg, ${middle}, ${dark})`;
    case 2:
      return `linear-gradient(to top, ${dark} 0 ${size + 12}%, transparent ${size + 12.6}%), radial-gradient(circle at ${x}% 62%, ${light} 0 ${size}%, transparent ${size + 0.6}%), linear-gradient(${dark}, ${middle})`;
    default:
      return `conic-gradient(from ${hash % HUES}deg at ${x}% ${y}%, ${middle} 0 30%, ${light} 30% 36%, ${dark} 36% 70%, ${middle})`;
  }
};
