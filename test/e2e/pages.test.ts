import assert from 'node:assert/strict';
import { findChromium } from '../../web/testing/browser.ts';
import { pagesServe } from '../../web/testing/journey.ts';
import { type Checkout, cloneRepository } from './checkout.ts';
import { type Client, clientOf } from './client.ts';

/** The pages of a machine, in a browser. */
describe('the pages of a machine', function () {
  this.timeout(900_000);
  let checkout: Checkout;
  let origin: string;
  let ask: Client;
  const settings = (app: string) =>
    checkout.settings(`machine: {kind: container}\napps: {api: {watch: 0s${app}}}\n`);
  const converged = async () => assert.equal((await checkout.berth(['plan'])).code, 0);

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    settings('');
    await checkout.must(['up']);
    const { url, ca } = await checkout.status();
    [origin, ask] = [url, clientOf({ url, ca })];
  });
  this.afterAll(() => checkout?.remove());

  const chromium = findChromium();
  assert.ok(chromium, 'no chromium on the PATH');
  pagesServe({ origin: () => origin, chromium });

  it('are mended where a hand has changed them, and leave nothing of an earlier version', async () => {
    const left = [
      '/var/www/berth/index.html',
      '/var/www/berth/landing.js',
      '/etc/nginx/berth/landing-headers.conf',
    ];
    await checkout.ssh(
      `sudo touch ${left.join(' ')}; sudo sed -i s/Berth/Birth/ /var/www/berth/pages/home/index.html`,
    );
    const drift = await checkout.berth(['drift']);
    assert.match(drift.stdout, /^~ pages$/m);
    await checkout.must(['apply']);
    await converged();
    assert.match((await ask({ path: '/' })).text, /<title>Berth</);
    assert.equal(await checkout.ssh(`ls -d ${left.join(' ')} 2>/dev/null || true`), '');
    const bundles = (await checkout.ssh('ls /opt/berth/web')).trim();
    const served = (await checkout.ssh('ls /var/www/berth')).trim().split('\n');
    assert.deepEqual(new Set(served), new Set(['_.json', 'pages', bundles]));
  });

  it('show no document where the application has none', async () => {
    settings(', openapi: none');
    await checkout.must(['apply']);
    await converged();
    for (const path of ['/docs', '/redoc']) assert.equal((await ask({ path })).status, 404);
    assert.equal((await ask({ path: '/' })).status, 200);
    const { applications } = (await ask({ path: '/site.json' })).json as { applications: object[] };
    assert.deepEqual(applications, [{ name: 'api', prefix: '/api', health: '/api/readyz', openapi: null }]);
  });
});
