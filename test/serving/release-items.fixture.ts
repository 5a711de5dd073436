/** The items of a release, each with its slot, for tests of what is made of them. */
import { atOnce } from '../../algorithms/model/pieces.ts';
import type { ItemId } from '../../schemas/ids.ts';
import type { ItemSlots } from '../../serving/item-slots.ts';
import { ReleaseItems } from '../../serving/release/release-items.ts';

export const releaseItemsOn = (ids: readonly ItemId[], slots: ItemSlots): ReleaseItems => {
  const items = atOnce(ReleaseItems.inPieces(ids))!;
  atOnce(items.takeSlots(slots));
  return items;
};
