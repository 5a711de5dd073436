/** Builds the page for an image whose files cannot be written later. */
import { buildPage } from './build.ts';

await buildPage();
