/** What the API answered; `body` is the parsed JSON, or null. */
export interface Reply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests assert the shape.
  body: any;
}

type RequestHeaders = Record<string, string>;

/** Speaks JSON with the API under `url`. */
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

  /** Any method and body; what is not text yet is sent as JSON. */
  async send(method: string, path: string, body?: unknown, headers: RequestHeaders = {}): Promise<Reply> {
    const type: RequestHeaders = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const response = await fetch(this.url + path, {
      method,
      headers: { ...this.headers, ...type, ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    };
  }
}
