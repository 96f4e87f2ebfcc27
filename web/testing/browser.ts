import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

/** A page as one visitor has it, and what it did that it should not. */
export type Visit = {
  page: Page;
  /** Errors on the console, exceptions, and requests to anywhere else. */
  faults: string[];
  /** Layout shifts with what moved, those right after an input too: a slow answer would make them count. */
  shifts(): Promise<string[]>;
  /** Milliseconds to the first contentful paint. */
  firstPaint(): Promise<number>;
  /** What axe-core finds against WCAG 2.2 AA and its own best practices, in light and in dark. */
  violations(): Promise<string[]>;
  /** Writes what it looks like to the folder of `BERTH_SCREENSHOTS`, where there is one. */
  picture(name: string): Promise<void>;
};

export type Screen = { name: string; width: number; height: number };

export const desktop: Screen = { name: 'desktop', width: 1280, height: 800 };
export const phone: Screen = { name: 'phone', width: 360, height: 740 };

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const schemes = ['light', 'dark'] as const;

/** Runs in the page before all that is its own. */
const observe = `
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const { sources, value } of list.getEntries())
      shifts.push(value + ' ' + sources.map(({ node }) => node?.outerHTML?.slice(0, 80)));
  }).observe({ type: 'layout-shift', buffered: true });
`;

/** The Chromium of this computer; undefined: there is none. */
export function findChromium(): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter);
  return directories.map((directory) => join(directory, 'chromium')).find((path) => existsSync(path));
}

export function launch(executablePath: string): Promise<Browser> {
  // Root has no user namespaces to make a sandbox of.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] });
}

/** Opens a page for one visitor; a machine's own authority is nobody's whom the browser trusts. */
export async function visit(
  browser: Browser,
  origin: string,
  { name, width, height }: Screen,
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width, height }, ignoreHTTPSErrors: true });
  await context.addInitScript({ content: observe });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol.startsWith('http')) faults.push(`asks ${url}`);
  });
  return {
    page,
    faults,
    shifts: () => page.evaluate('globalThis.shifts'),
    firstPaint: () => page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"),
    async violations() {
      const session = await context.newCDPSession(page);
      const evaluate = async (expression: string) => {
        const asked = { expression, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = await session.send('Runtime.evaluate', asked);
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description);
        return result.value;
      };
      await evaluate(`${axe};0`);
      const found: string[] = [];
      for (const scheme of schemes) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
        const { violations } = await evaluate(`axe.run({ runOnly: ${JSON.stringify(standards)} })`);
        for (const { id, nodes } of violations)
          for (const { html, failureSummary } of nodes)
            found.push(`${scheme}: ${id}: ${html}: ${failureSummary}`);
      }
      await session.detach();
      return found;
    },
    async picture(what) {
      const folder = process.env.BERTH_SCREENSHOTS;
      if (folder === undefined) return;
      mkdirSync(folder, { recursive: true });
      for (const scheme of schemes) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.screenshot({ path: join(folder, `${what}-${name}-${scheme}.png`) });
      }
    },
  };
}
