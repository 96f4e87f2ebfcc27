import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, request as tlsRequest } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { runChecked } from '../../scripts/process.ts';
import { selfSigned } from '../self-signed.ts';

export type Outside = {
  /** `http://10.77.0.1:41234`, by which `host` and what this computer reaches are reached. */
  proxy: string;
  /** `https://packages.example:8443`, which only the proxy can find; its certificate is of the authority in `ca`. */
  mirror: string;
  ca: string;
  /** `host:port` of every tunnel and request, in their order. */
  asked: string[];
  close(): void;
};

const host = 'packages.example';

/**
 * The way out of a company's network: an HTTP proxy at `address`, and behind it a package mirror with a certificate of a
 * private authority. `sources` are the real mirrors: `/main/…` of the private one is `sources.main` and so on.
 */
export async function openOutside(
  directory: string,
  address: string,
  sources: Record<string, string>,
): Promise<Outside> {
  const asked: string[] = [];
  const { ca, key, cert } = await certificates(directory);
  const mirror = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (from, to) => {
    const [, name = '', path = ''] = /^\/(\w+)\/(.*)$/.exec(from.url ?? '') ?? [];
    passOn(`${sources[name]?.replace(/\/$/, '')}/${path}`, from, to);
  });
  const mirrorPort = await listen(mirror, '127.0.0.1');
  const proxy = createServer((from, to) => {
    asked.push(new URL(from.url ?? '').host);
    passOn(from.url ?? '', from, to);
  });
  proxy.on('connect', ({ url = '' }, client) => {
    asked.push(url);
    const [name = '', port] = url.split(':');
    const server = name === host ? connect(mirrorPort, '127.0.0.1') : connect(Number(port), name);
    server.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    server.on('error', () => client.destroy());
    client.on('error', () => server.destroy());
  });
  const proxyPort = await listen(proxy, address);
  return {
    proxy: `http://${address}:${proxyPort}`,
    mirror: `https://${host}:8443`,
    ca,
    asked,
    close() {
      for (const server of [proxy, mirror]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}

/** The status and the body as they come; redirects are for who asked. */
function passOn(url: string, from: IncomingMessage, to: ServerResponse): void {
  const ask = url.startsWith('https:') ? tlsRequest : request;
  const { host: _, connection: __, ...headers } = from.headers;
  // A connection of its own: one that is used again may be closed just then.
  const asked = ask(url, { method: from.method ?? 'GET', headers, agent: false }, (answer) => {
    to.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(to);
  });
  asked.on('error', () => to.writeHead(502).end());
  asked.end();
}

async function listen(server: Server | ReturnType<typeof createTlsServer>, address: string): Promise<number> {
  server.listen(0, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function certificates(directory: string): Promise<{ ca: string; key: string; cert: string }> {
  const at = (name: string) => join(directory, name);
  const make = (...args: string[]) => runChecked([...selfSigned, '-days', '2', ...args]);
  const usage = ['-addext', 'keyUsage=critical,keyCertSign'];
  await make('-subj', '/CN=A company', ...usage, '-keyout', at('ca.key'), '-out', at('ca.pem'));
  const signed = [
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  ];
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  await make(...names, ...signed, '-keyout', at('server.key'), '-out', at('server.pem'));
  return { ca: at('ca.pem'), key: at('server.key'), cert: at('server.pem') };
}
