/**
 * Memory of arrays that nobody needs any longer, given back at once. While it waits for the garbage
 * collector it counts as in use, and the collector, which goes by how much that is, looks through all that
 * the process holds the sooner: some 40 ms of a thread that makes lists, for each of a few releases.
 */
export const giveBack = ({ buffer, byteLength }: ArrayBufferView): void => {
  // Whoever holds a part of something larger is not the one to give it back.
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isOwn && byteLength > 0) buffer.transfer(0);
};
