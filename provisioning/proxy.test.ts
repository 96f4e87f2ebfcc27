import assert from 'node:assert/strict';
import { aptProxy, proxyEnvironment } from './proxy.ts';

describe('the outgoing proxy', () => {
  const proxy = { url: 'http://proxy.example:3128', noProxy: ['mirror.example', '2001:db8::1'] };

  it('is written for apt, with the hosts that need none', () => {
    assert.deepEqual(aptProxy(proxy).split('\n').slice(1), [
      'Acquire::http::Proxy "http://proxy.example:3128";',
      'Acquire::https::Proxy "http://proxy.example:3128";',
      'Acquire::http::Proxy::mirror.example "DIRECT";',
      'Acquire::https::Proxy::mirror.example "DIRECT";',
      '',
    ]);
  });

  it('is known to programs by both spellings of its variables', () => {
    const { http_proxy, HTTPS_PROXY, NO_PROXY } = proxyEnvironment(proxy);
    assert.deepEqual(
      [http_proxy, HTTPS_PROXY, NO_PROXY],
      [proxy.url, proxy.url, 'localhost,127.0.0.1,::1,mirror.example,2001:db8::1'],
    );
  });

  it('is nothing where there is none', () => {
    assert.deepEqual(
      [aptProxy({ url: null, noProxy: [] }), proxyEnvironment({ url: null, noProxy: [] })],
      ['', {}],
    );
  });
});
