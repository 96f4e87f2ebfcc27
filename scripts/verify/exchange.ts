import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Target } from './target.ts';

export type Exchange = {
  /** `http`: the port of plain HTTP. */
  scheme?: 'http' | 'https';
  /** The name that TLS is asked for; default: the one that the machine is reached by, if that is no address. */
  servername?: string | undefined;
  /** Exactly these bytes are sent. */
  bytes: string;
  /** How long an answer may take, in milliseconds. */
  timeoutMs?: number;
};

export type Answer = {
  status: number;
  /** By lower-case name; of one that comes twice both, joined by a comma. */
  headers: Record<string, string>;
  body: string;
  /** How many answers came over the one connection. */
  count: number;
};

/**
 * Sends bytes as they are, which no HTTP client would, and reads until the other side closes or is silent. Whether the
 * certificate is right is the check `tls`'s to say.
 */
export async function exchange(
  target: Target,
  { scheme = 'https', bytes, ...options }: Exchange,
): Promise<Answer> {
  const { nginx } = target.settings;
  const httpPort = target.reach.vagrant?.httpPort ?? nginx.httpPort;
  const port = scheme === 'http' ? httpPort : nginx.publicHttpsPort;
  const servername = options.servername ?? (isIP(target.address) ? undefined : target.address);
  const socket: Socket =
    scheme === 'http'
      ? connectPlain({ host: target.address, port })
      : connectTls({
          host: target.address,
          port,
          rejectUnauthorized: false,
          ALPNProtocols: ['http/1.1'],
          ...(servername === undefined ? {} : { servername }),
        });
  const text = await converse(socket, bytes, options.timeoutMs ?? 5000);
  return parseAnswer(text);
}

export type Request = {
  method?: string;
  path: string;
  host?: string;
  headers?: string[];
  body?: string;
  scheme?: 'http' | 'https';
};

/** A plain request, one answer, and the connection is closed. */
export function ask(
  target: Target,
  { method = 'GET', path, host, headers = [], body = '', scheme }: Request,
): Promise<Answer> {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host ?? hostOf(target)}`,
    'User-Agent: berth-verify',
    'Connection: close',
    ...headers,
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  const servername = host === undefined || isIP(host) ? undefined : host;
  return exchange(target, {
    ...(scheme ? { scheme } : {}),
    servername,
    bytes: `${lines.join('\r\n')}\r\n\r\n${body}`,
  });
}

/** As it stands in a Host header. */
export function hostOf({ address }: Target): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** An answer is cut off there: whoever sends more, or without an end, is not read for ever. */
const most = { characters: 4 * 1024 ** 2, ms: 60_000 };

function converse(socket: Socket, bytes: string, timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const end = () => {
      clearTimeout(late);
      socket.destroy();
      resolve(text);
    };
    const late = setTimeout(end, most.ms);
    socket.setEncoding('latin1').setTimeout(timeoutMs, end);
    socket.once(socket instanceof Object && 'encrypted' in socket ? 'secureConnect' : 'connect', () =>
      socket.write(bytes, 'latin1'),
    );
    socket.on('data', (part: string) => {
      text += part;
      if (text.length > most.characters) end();
    });
    socket.on('close', end);
    // A server that closes while we still send resets the connection: what it said before counts.
    socket.on('error', (error) => (text === '' ? reject(error) : end()));
  });
}

export function parseAnswer(text: string): Answer {
  const at = text.indexOf('\r\n\r\n');
  const [first = '', ...lines] = (at === -1 ? text : text.slice(0, at)).split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return {
    status: Number(/^HTTP\/\d\.\d (\d{3})/.exec(first)?.[1] ?? 0),
    headers,
    body: at === -1 ? '' : text.slice(at + 4),
    count: text.match(/(^|\n)HTTP\/1\.[01] \d{3} /g)?.length ?? 0,
  };
}
