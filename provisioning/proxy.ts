import { isIPv6 } from 'node:net';
import type { ProxySettings } from './settings.ts';
import { render } from './template.ts';

/** What apt is told of the proxy; empty without one. Where there is none for a host, apt wants to hear DIRECT. */
export function aptProxy({ url, noProxy }: ProxySettings): string {
  if (url === null) return '';
  // Two colons would begin another word of apt's.
  const direct = noProxy
    .filter((host) => !isIPv6(host))
    .flatMap((host) => ['http', 'https'].map((way) => `Acquire::${way}::Proxy::${host} "DIRECT";\n`));
  return render('provisioning/files/apt-proxy.conf', { url, direct: direct.join('') });
}

/** The variables by which most programs know the proxy, npm and Node's own `fetch` among them; none without one. */
export function proxyEnvironment({ url, noProxy }: ProxySettings): Record<string, string> {
  if (url === null) return {};
  const here = ['localhost', '127.0.0.1', '::1', ...noProxy].join();
  const both = Object.entries({ http_proxy: url, https_proxy: url, no_proxy: here }).flatMap(
    ([name, value]) => [[name, value] as const, [name.toUpperCase(), value] as const],
  );
  return { ...Object.fromEntries(both), NODE_USE_ENV_PROXY: '1' };
}
