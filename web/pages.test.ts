import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import { useApi } from '../api/testing/api.ts';
import { buildPages } from './build.ts';
import { findChromium } from './testing/browser.ts';
import { pagesServe } from './testing/journey.ts';
import { servePages, urlOf } from './testing/serve.ts';

const application = { name: 'api', prefix: '/api', health: '/api/readyz', openapi: '/api/openapi.json' };

describe('the pages', function () {
  this.timeout(180_000);

  it('are the same bytes however often they are built', async () => {
    assert.deepEqual(await buildPages(), await buildPages());
  });

  const chromium = findChromium();
  if (!chromium) {
    it.skip('in a browser (needs chromium)');
    return;
  }
  const api = useApi();
  let server: Server;
  before(async () => {
    server = await servePages(() => api.url, { hostname: 'local', applications: [application] });
  });
  after(() => server.close());
  pagesServe({ origin: () => urlOf(server), chromium });
});
