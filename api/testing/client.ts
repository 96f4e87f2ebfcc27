import { assertDocumented } from './conformance.ts';

/** What the API answered; `body` is the parsed JSON, or null. */
export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape.
  body: any;
}

type RequestHeaders = Record<string, string>;

/** Speaks JSON with the API under `url`, and throws where an answer is not as the document has it. */
export class Client {
  readonly url: string;
  readonly headers: RequestHeaders;

  constructor(url: string, headers: RequestHeaders = {}) {
    this.url = url;
    this.headers = headers;
  }

  get(path: string, headers?: RequestHeaders): Promise<Reply> {
    return this.send('GET', path, undefined, headers);
  }

  post(path: string, body?: unknown, headers?: RequestHeaders): Promise<Reply> {
    return this.send('POST', path, body, headers);
  }

  put(path: string, body?: unknown, headers?: RequestHeaders): Promise<Reply> {
    return this.send('PUT', path, body, headers);
  }

  patch(path: string, body?: unknown, headers?: RequestHeaders): Promise<Reply> {
    return this.send('PATCH', path, body, headers);
  }

  delete(path: string): Promise<Reply> {
    return this.send('DELETE', path);
  }

  /** Any method and body; what is neither text, a form nor a stream is sent as JSON. */
  async send(method: string, path: string, body?: unknown, headers: RequestHeaders = {}): Promise<Reply> {
    const isForm = body === undefined || body instanceof URLSearchParams;
    const type: RequestHeaders = isForm ? {} : { 'Content-Type': 'application/json' };
    const asIs = isForm || typeof body === 'string' || body instanceof ReadableStream;
    const init = {
      method,
      headers: { ...this.headers, ...type, ...headers },
      body: asIs ? body : JSON.stringify(body),
      duplex: 'half',
    };
    const response = await fetch(this.url + path, init as RequestInit);
    const text = await response.text();
    const reply = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : isJson(response) ? JSON.parse(text) : text,
    };
    assertDocumented({ method, path: new URL(this.url + path).pathname }, reply);
    return reply;
  }
}

function isJson({ headers }: Response): boolean {
  return /\bjson\b/.test(headers.get('content-type')?.replace('x-ndjson', '') ?? '');
}
