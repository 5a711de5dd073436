/**
 * The first minute as a person has it: the program started on an empty directory, the page opened
 * in a real browser, a film rated, the list changed because of it.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServer } from '../faults/server-process.ts';
import { CHROMIUM_FLAGS, chromiumPath } from '../services/chromium.ts';
import { freePort } from '../services/free-port.ts';

const SCRIPT_BYTES_MAX = 250 * 1024;

let directory: string;
let server: ServerProcess;
let browser: Browser;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'freshet-browser-'));
  server = await startServer({ dataDirectory: directory, port: await freePort(), flags: [] });
  browser = await chromium.launch({ executablePath: chromiumPath(), args: CHROMIUM_FLAGS });
  await waitForBanner();
}, 180_000);

afterAll(async () => {
  await browser?.close();
  await server?.kill('SIGTERM');
  rmSync(directory, { recursive: true, force: true });
});

const waitForBanner = async (): Promise<void> => {
  while (!server.output().includes('Freshet is running')) {
    await Promise.race([server.ended, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
};

const openPage = async (
  view: { readonly width: number; readonly height: number; readonly dark?: boolean },
  problems: string[] = [],
): Promise<Page> => {
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height },
    colorScheme: view.dark ? 'dark' : 'light',
  });
  const page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(message.text());
  });
  await page.goto(server.url);
  await page.waitForSelector('.film');
  return page;
};

describe('the page', () => {
  it('changes the list when a film is rated, says why and how fast, and takes it back', async () => {
    const problems: string[] = [];
    const page = await openPage({ width: 1280, height: 900 }, problems);
    const film = page.locator('.film').nth(1);
    const title = ((await film.locator('.title').textContent()) ?? '').replace(/^\d+\. /, '');
    await film.locator('.star').nth(4).click();
    await page.waitForSelector('.change.fresh .speed');
    expect(await page.locator('.change').textContent()).toContain(title);
    await expect
      .poll(() => page.locator('.film .why').allInnerTexts())
      .toContainEqual(expect.stringContaining(title));
    const titles = await page.locator('.film .title').allInnerTexts();
    expect(titles.some((shown) => shown.endsWith(`. ${title}`))).toBe(false);
    await page.locator('.notice button', { hasText: 'Undo' }).click();
    await expect
      .poll(() => page.locator('.film .why').allInnerTexts())
      .not.toContainEqual(expect.stringContaining(title));
    expect(problems).toEqual([]);
    await page.context().close();
  });

  it('opens a film with its counters, films like it and where people go next', async () => {
    const page = await openPage({ width: 1280, height: 900 });
    await page.getByRole('combobox', { name: /find/i }).fill('the matrx');
    await page.locator('.results [role=option]').first().click();
    await page.waitForSelector('.drawer .counters');
    // Which of the three stands first is for the audience to say.
    expect(await page.locator('.drawer h2').textContent()).toMatch(/^The Matrix/);
    await expect.poll(() => page.locator('.drawer ol li').count()).toBeGreaterThan(5);
    // Also where nothing has the focus.
    await page.locator('.drawer h2').click();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('.drawer').count()).toBe(0);
    await page.context().close();
  });

  it('knows who one is when it is loaded anew', async () => {
    const page = await openPage({ width: 1280, height: 900 });
    const personOf = () => page.locator('.person select').inputValue();
    const before = await personOf();
    await page.reload();
    await page.waitForSelector('.film');
    expect(await personOf()).toBe(before);
    await page.context().close();
  });

  it('says for a while what was done, and as long as the pointer is there', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await page.clock.install();
    await page.goto(server.url);
    await page.waitForSelector('.film');
    const notice = page.locator('.notice');
    await page.locator('.film').nth(2).locator('.star').nth(3).click();
    await notice.hover();
    await page.clock.runFor(30_000);
    expect(await notice.count()).toBe(1);
    await page.mouse.move(5, 5);
    await page.clock.runFor(2_000);
    await expect.poll(() => notice.count()).toBe(0);
    await context.close();
  });

  it('shows on 390 pixels how to see more of the machine', async () => {
    const page = await openPage({ width: 390, height: 844 });
    const more = page.getByRole('button', { name: 'More', exact: true });
    await expect.poll(() => more.isEnabled()).toBe(true);
    const box = (await more.boundingBox())!;
    expect(box.x + box.width).toBeLessThanOrEqual(390);
    await more.click();
    await page.waitForSelector('.details');
    await page.context().close();
  });

  for (const view of [
    { width: 1280, height: 900, dark: true },
    { width: 390, height: 844 },
  ]) {
    it(`fits ${view.width} pixels${view.dark ? ' in the dark' : ''} without scrolling sideways`, async () => {
      const page = await openPage(view);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(width).toBeLessThanOrEqual(view.width);
      await page.context().close();
    });
  }

  it('fills itself when somebody does what it says to begin with', async () => {
    const own = mkdtempSync(join(tmpdir(), 'freshet-guide-'));
    const flags = ['--empty', '--no-warehouse'];
    const empty = await startServer({ dataDirectory: own, port: await freePort(), flags });
    const page = await (await browser.newContext()).newPage();
    await page.goto(empty.url);
    await page.waitForSelector('.guide pre');
    const [item, event] = await page.locator('.guide pre').allTextContents();
    execFileSync('bash', ['-c', item!], { stdio: 'ignore' });
    await page.waitForSelector('.film >> text=Green tea');
    const trending = page.locator('.panel', { hasText: 'Trending' });
    expect(await trending.textContent()).toContain('Nothing trends yet.');
    execFileSync('bash', ['-c', event!], { stdio: 'ignore' });
    await expect.poll(() => trending.textContent()).toContain('Green tea');
    await page.context().close();
    await empty.kill('SIGTERM');
    rmSync(own, { recursive: true, force: true });
  });

  it('loads at most 250 KB of compressed script', async () => {
    const script = await (await fetch(`${server.url}/page.js`)).arrayBuffer();
    expect(gzipSync(new Uint8Array(script)).length).toBeLessThanOrEqual(SCRIPT_BYTES_MAX);
  });
});
