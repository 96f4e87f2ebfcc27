import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';

export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: Record<string, unknown>;
};
export type Sent = {
  method?: string;
  path: string;
  token?: string;
  body?: unknown;
  headers?: Record<string, string>;
};
export type Client = (sent: Sent) => Promise<Answer>;

/** A client that trusts the machine's own authority alone and opens a connection for each request. */
export function clientOf({ url, ca }: { url: string; ca?: string | undefined }): Client {
  const authority = ca === undefined ? undefined : readFileSync(ca, 'utf8');
  return ({ method = 'GET', path, token, body, headers = {} }) => {
    const payload = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
    const send = url.startsWith('https') ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const asked = send(
        new URL(path, url),
        {
          method,
          agent: false,
          timeout: 30_000,
          ...(authority ? { ca: authority } : {}),
          headers: {
            ...(payload === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
            ...(token ? { authorization: `Bearer ${token}` } : {}),
            ...headers,
          },
        },
        (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (part: string) => {
            text += part;
          });
          answer.on('error', reject);
          answer.on('end', () => {
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json: parsed(text) });
          });
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer within 30 s')));
      asked.on('error', reject);
      asked.end(payload);
    });
  };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
