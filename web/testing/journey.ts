import assert from 'node:assert/strict';
import type { APIRequestContext, Browser, Locator, Page } from 'playwright-core';
import { desktop, launch, phone, type Visit, visit } from './browser.ts';

/** Where the pages are, once the tests run, and what they are looked at with. */
export type Served = { origin: () => string; chromium: string };

const password = 'correct horse';
const name = () => `visitor-${Math.random().toString(36).slice(2, 10)}`;

/** Visits every page as people do, on a desk by mouse and on a phone's width by keyboard. */
export function pagesServe({ origin, chromium }: Served): void {
  let browser: Browser;
  before(async () => {
    browser = await launch(chromium);
  });
  after(() => browser?.close());

  for (const screen of [desktop, phone]) {
    it(`are a client of the API, ${screen.width} px wide`, async () => {
      const here = await visit(browser, origin(), screen);
      await here.page.goto(origin());
      await journey(here, screen === phone ? byKeyboard : byMouse);
      await here.page.context().close();
    });
  }

  it('are painted within a second', async () => {
    const paints: number[] = [];
    for (let visits = 0; visits < 3; visits++) {
      const { page, firstPaint } = await visit(browser, origin(), desktop);
      await page.goto(origin());
      await heading(page, 'Sign in');
      paints.push(await firstPaint());
      await page.context().close();
    }
    // Of three first visits the quickest: what slows one is the computer.
    assert.ok(Math.min(...paints) < 1000, `first paints after ${paints} ms`);
  });

  it('keep a session over a reload, replace its access token, and say when it has ended', async () => {
    const { page, faults } = await visit(browser, origin(), desktop);
    await page.goto(origin());
    await signUp(page, byMouse);
    await page.reload();
    await heading(page, 'Posts');
    // As if the token had run out: once refused it is replaced, and the request sent again.
    let refusals = 0;
    await page.route('**/api/users/me', async (route) => {
      refusals += 1;
      if (refusals > 1) return route.continue();
      await route.continue({ headers: { ...route.request().headers(), authorization: 'Bearer none' } });
    });
    await page.reload();
    await heading(page, 'Posts');
    assert.equal(refusals, 2);
    await page.evaluate("sessionStorage.setItem('refresh_token', 'used')");
    await page.reload();
    await heading(page, 'Sign in');
    assert.equal(await page.evaluate('sessionStorage.length'), 0);
    const unexpected = faults.filter((fault) => !/status of 401/.test(fault));
    assert.deepEqual(unexpected, []);
    await page.context().close();
  });

  it('have Swagger UI, which signs in and asks', async () => {
    const { page, faults } = await visit(browser, origin(), desktop);
    const visitor = await registered(page.request, origin());
    await page.goto(`${origin()}/docs`);
    await page.getByRole('button', { name: 'Authorize' }).first().click();
    const dialog = page.locator('.modal-ux');
    await dialog.getByLabel('username:').fill(visitor);
    await dialog.getByLabel('password:').fill(password);
    await dialog.getByRole('button', { name: 'Apply given OAuth2 credentials' }).click();
    await dialog.getByText('Authorized', { exact: true }).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).first().click();
    const operation = page.locator('.opblock', { has: page.locator('[data-path="/users/me"]') }).first();
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.getByRole('button', { name: 'Execute' }).click();
    const answer = operation.locator('.live-responses-table tbody');
    await answer.getByText(visitor).first().waitFor();
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  it('have ReDoc, and either with a slash at its end, too', async () => {
    const { page, faults, picture } = await visit(browser, origin(), desktop);
    await page.goto(`${origin()}/docs/`);
    await page.locator('[data-path="/posts"]').first().waitFor();
    for (const path of ['/redoc', '/redoc/']) {
      await page.goto(origin() + path);
      await page.getByRole('heading', { name: 'Write a post' }).waitFor();
    }
    await picture('redoc');
    assert.deepEqual(faults, []);
    await page.context().close();
  });

  it('may keep their assets for ever, themselves not at all, and let in no script of others', async () => {
    const { request } = await browser.newContext({ ignoreHTTPSErrors: true });
    for (const path of ['/', '/docs', '/redoc']) {
      const page = await request.get(origin() + path);
      const headers = page.headers();
      const policy = headers['content-security-policy'] ?? '';
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
      assert.doesNotMatch(policy, /unsafe/);
      assert.equal(headers['cache-control'], 'no-cache');
      const html = await page.text();
      assert.doesNotMatch(html, /<script(?![^>]* src="\/assets\/)|<style|\son\w+=|\sstyle=/);
      const assets = [...html.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, asset = '']) => asset);
      assert.ok(assets.length >= 3);
      for (const asset of assets) {
        assert.match(asset, /-[A-Z0-9]{8}\.(js|css|svg)$/);
        const answer = await request.get(origin() + asset);
        assert.equal(answer.status(), 200);
        assert.equal(answer.headers()['cache-control'], 'public, max-age=31536000, immutable');
      }
    }
    const missing = await request.get(`${origin()}/assets/none-AAAAAAAA.js`);
    assert.equal(missing.status(), 404);
  });
}

/** Ways to fill a field and to press what can be pressed. */
type Hand = {
  fill(control: Locator, text: string): Promise<void>;
  press(control: Locator): Promise<void>;
  choose(control: Locator, option: string): Promise<void>;
};

const byMouse: Hand = {
  fill: (control, text) => control.fill(text),
  press: (control) => control.click(),
  async choose(control, option) {
    await control.selectOption(option);
  },
};

const byKeyboard: Hand = {
  async fill(control, text) {
    await tabTo(control);
    await control.page().keyboard.press('Control+A');
    await control.page().keyboard.type(text);
  },
  async press(control) {
    await tabTo(control);
    const key = (await control.getAttribute('type')) === 'checkbox' ? 'Space' : 'Enter';
    await control.page().keyboard.press(key);
  },
  async choose(control, option) {
    await tabTo(control);
    await control.page().keyboard.type(option);
  },
};

/** By Tab alone, and seen to be there. */
async function tabTo(control: Locator): Promise<void> {
  await control.waitFor();
  const isFocused = () => control.evaluate((element) => element === element.ownerDocument.activeElement);
  for (let presses = 0; !(await isFocused()); presses++) {
    assert.ok(presses < 60, `Tab does not lead to ${control}`);
    await control.page().keyboard.press('Tab');
  }
  const outline = 'getComputedStyle(document.activeElement).outlineStyle';
  assert.notEqual(await control.page().evaluate(outline), 'none', `${control} does not show its focus`);
}

/** Everything that a visitor can do, from signing up to deleting the account. */
async function journey(here: Visit, hand: Hand): Promise<void> {
  const { page } = here;
  const { fill, press, choose } = hand;
  const link = (text: string) => page.getByRole('link', { name: text, exact: true });
  const button = (text: string) => page.getByRole('button', { name: text, exact: true });
  const said = (text: string) => page.getByRole('status').getByText(text).waitFor();

  await heading(page, 'Sign in');
  await look(here, 'sign-in');
  await fill(page.getByLabel('E-mail'), 'nobody@example.org');
  await fill(page.getByLabel('Password'), 'wrong');
  await press(button('Sign in'));
  await page.getByRole('alert').getByText('Wrong e-mail or password').waitFor();

  await press(link('Sign up').first());
  await heading(page, 'Sign up');
  await fill(page.getByLabel('E-mail'), 'nobody');
  await fill(page.getByLabel('Password'), 'short');
  await press(button('Sign up'));
  await page.getByText('E-mail must be a valid email').waitFor();
  await page.getByText('Password length must be at least 8').waitFor();
  assert.equal(await page.getByLabel('E-mail').getAttribute('aria-invalid'), 'true');
  assert.ok(await page.getByLabel('E-mail').evaluate((field) => field === field.ownerDocument.activeElement));
  await look(here, 'sign-up');
  const email = await signUp(page, hand);

  const marker = name();
  for (const [index, votes] of ['fewer', 'more', 'none'].entries()) {
    await press(link('Write'));
    await heading(page, 'Write');
    if (index === 0) {
      await press(button('Publish'));
      await page.getByText('Title is not allowed to be empty').waitFor();
      await skips(page);
      await look(here, 'write');
    }
    await fill(page.getByLabel('Title'), `${marker} ${votes}`);
    await fill(page.getByLabel('Text'), `<b>It</b> & ${'a long text '.repeat(30)}`);
    await press(button('Publish'));
    await heading(page, `${marker} ${votes}`);
    await said('Your post is saved.');
  }
  await look(here, 'post');

  await press(link('Edit'));
  await heading(page, 'Edit');
  await fill(page.getByLabel('Title'), `${marker} edited`);
  await press(page.getByLabel('Everybody may read it'));
  await press(button('Save'));
  await heading(page, `${marker} edited`);

  await press(link('Posts'));
  await heading(page, 'Posts');
  const before = await page.locator('.posts').elementHandle();
  await fill(page.getByLabel('Search titles'), marker.toUpperCase());
  await page.keyboard.press('Enter');
  const titles = page.getByRole('list').getByRole('heading', { level: 2 });
  await page.waitForURL(/search=/);
  // The list of before has the same three posts: what is found takes its place.
  await before?.waitForElementState('hidden');
  await page.locator('.posts li').nth(2).waitFor();
  assert.deepEqual(
    await titles.allTextContents(),
    ['edited', 'more', 'fewer'].map((end) => `${marker} ${end}`),
  );
  assert.equal(await page.getByText('Only you see this').count(), 1);

  const vote = page.getByRole('button', { name: `Vote for “${marker} fewer”` });
  await press(vote);
  await said('Your vote is counted.');
  assert.deepEqual([await vote.textContent(), await vote.getAttribute('aria-pressed')], ['▲ 1', 'true']);
  await look(here, 'posts');
  await choose(page.getByLabel('Order'), 'Most votes');
  await page.waitForURL(/sort=top/);
  await page.locator('.posts li:first-child', { hasText: `${marker} fewer` }).waitFor();
  // A new page knows of no vote, until the API says so.
  assert.deepEqual(await here.shifts(), []);
  await page.reload();
  await press(vote);
  await said('You have voted for this post already');
  await press(vote);
  await said('Your vote is taken back.');
  assert.deepEqual([await vote.textContent(), await vote.getAttribute('aria-pressed')], ['▲ 0', 'false']);

  await press(link(`${marker} fewer`));
  await heading(page, `${marker} fewer`);
  await press(button('Delete'));
  await page.getByRole('dialog').waitFor();
  await look(here, 'question');
  await page.keyboard.press('Escape');
  await press(button('Delete'));
  await press(button('Delete it'));
  await said('The post is deleted.');
  await heading(page, 'Posts');

  await pagesOfPosts(page, hand, { email, marker });

  await press(link('Account'));
  await heading(page, 'Account');
  await look(here, 'account');
  await press(button('Sign out'));
  await heading(page, 'Sign in');
  await fill(page.getByLabel('E-mail'), email);
  await fill(page.getByLabel('Password'), password);
  await press(button('Sign in'));
  await heading(page, 'Posts');
  await press(link('Account'));
  await press(button('Delete the account'));
  await press(button('Delete everything'));
  await heading(page, 'Sign up');
  await said('Your account is deleted.');

  assert.deepEqual(await here.shifts(), []);
  // What it is told by a refusal, Chromium writes on its console, too.
  assert.deepEqual(
    here.faults.filter((fault) => !/status of (401|409|422)/.test(fault)),
    [],
  );
}

/** Ten posts a page, by the cursor that the API gives. */
async function pagesOfPosts(page: Page, { fill, press }: Hand, { email, marker }: Record<string, string>) {
  const { origin } = new URL(page.url());
  const login = await page.request.post(`${origin}/api/login`, { data: { username: email, password } });
  const headers = { Authorization: `Bearer ${(await login.json()).access_token}` };
  for (let count = 1; count <= 11; count++) {
    const data = { title: `${marker} ${count}`, content: 'short' };
    await page.request.post(`${origin}/api/posts`, { headers, data });
  }
  await fill(page.getByLabel('Search titles'), `${marker} `);
  await page.keyboard.press('Enter');
  const first = page.locator('.posts li:first-child');
  await first.getByText(`${marker} 11`).waitFor();
  assert.equal(await page.locator('.posts li').count(), 10);
  await press(page.getByRole('link', { name: 'Next page' }));
  await first.getByText(`${marker} 1`, { exact: true }).waitFor();
  assert.equal(await page.locator('.posts li').count(), 3);
  assert.equal(await page.getByRole('link', { name: 'Next page' }).count(), 0);
  await press(page.getByRole('link', { name: 'First page' }));
  await first.getByText(`${marker} 11`).waitFor();
}

async function signUp(page: Page, { fill, press }: Hand): Promise<string> {
  const email = `${name()}@example.org`;
  await page.getByRole('link', { name: 'Sign up' }).first().click();
  await heading(page, 'Sign up');
  await fill(page.getByLabel('E-mail'), email);
  await fill(page.getByLabel('Password'), password);
  await press(page.getByRole('button', { name: 'Sign up' }));
  await heading(page, 'Posts');
  return email;
}

async function registered(request: APIRequestContext, origin: string): Promise<string> {
  const email = `${name()}@example.org`;
  await request.post(`${origin}/api/users`, { data: { email, password } });
  return email;
}

async function heading(page: Page, text: string): Promise<void> {
  const awaited = page.getByRole('heading', { level: 1, name: text, exact: true });
  await awaited.waitFor().catch(async (cause) => {
    throw new Error(`no “${text}”, but: ${await page.locator('body').innerText()}`, { cause });
  });
}

/** The link that only the keyboard meets leads past the navigation, and nowhere else. */
async function skips(page: Page): Promise<void> {
  const url = page.url();
  await byKeyboard.press(page.getByRole('link', { name: 'Skip to the content' }));
  assert.equal(await page.evaluate('document.activeElement.id'), 'main');
  assert.equal(page.url(), url);
}

/** Each view, in light and in dark: nothing against WCAG, nothing wider than the screen. */
async function look(here: Visit, view: string): Promise<void> {
  await here.picture(view);
  assert.deepEqual(await here.violations(), [], view);
  const overflow = 'document.documentElement.scrollWidth - innerWidth';
  assert.equal(await here.page.evaluate(overflow), 0, `${view} is wider than the screen`);
}
