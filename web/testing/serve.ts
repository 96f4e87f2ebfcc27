import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { buildPages, type Pages } from '../build.ts';

const nginx = join(import.meta.dirname, '../../nginx');
const types: Record<string, string> = {
  '.html': 'text/html',
  '.css': 'text/css',
  '.js': 'application/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

/** Serves the pages beside an API, as nginx does: by the same paths, with the headers of the same files. */
export async function servePages(apiUrl: () => string, description: object): Promise<Server> {
  const pages = await buildPages();
  pages.set('site.json', Buffer.from(JSON.stringify(description)));
  const server = createServer((asked, answer) => {
    const { pathname } = new URL(asked.url ?? '/', 'http://localhost');
    if (pathname.startsWith('/api/')) pass(new URL(asked.url ?? '/', apiUrl()), asked, answer);
    else serve(pages, pathname, answer);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

export function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function serve(pages: Pages, path: string, answer: ServerResponse): void {
  const [file, headers] = fileAt(path.replace(/^\/|\/$/g, ''));
  const content = pages.get(file);
  for (const name of ['headers', headers])
    for (const [header, value] of headersOf(name)) answer.setHeader(header, value);
  answer.setHeader('Content-Type', types[extname(file)] ?? 'text/plain');
  answer.writeHead(content ? 200 : 404).end(content);
}

function fileAt(path: string): [file: string, headers: string] {
  if (path === '') return ['home/index.html', 'page-headers'];
  if (['docs', 'redoc'].includes(path)) return [`${path}/index.html`, 'document-headers'];
  return [path, path.startsWith('assets/') ? 'asset-headers' : 'page-headers'];
}

function headersOf(name: string): [string, string][] {
  const text = readFileSync(join(nginx, `${name}.conf`), 'utf8');
  const lines = text.matchAll(/^add_header (\S+) "?([^$]+?)"?(?: always)?;$/gm);
  return [...lines].map(([, header = '', value = '']) => [header, value]);
}

function pass(url: URL, asked: IncomingMessage, answer: ServerResponse): void {
  const { method = 'GET', headers } = asked;
  const passed = request(url, { method, headers }, (its) => {
    answer.writeHead(its.statusCode ?? 502, its.headers);
    its.pipe(answer);
  });
  passed.on('error', () => answer.destroy());
  asked.pipe(passed);
}
