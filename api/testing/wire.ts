import { connect, type Socket } from 'node:net';

/** What came over the wire; `body` is text as it came. */
export interface WireAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** Whoever gets no answer for so long hangs. */
const PATIENCE_MS = 10_000;

/** Sends bytes as they are, over connections that it keeps: no client library that would mend or refuse them. */
export class Wire {
  readonly #url: URL;
  #idle: Connection[] = [];

  constructor(url: string) {
    this.#url = new URL(url);
  }

  /** Throws if there is no answer. A kept connection may have ended meanwhile; then another one is tried. */
  async send(request: Buffer, { isHead }: { isHead: boolean }): Promise<WireAnswer> {
    const kept = this.#idle.pop();
    const connection = kept ?? new Connection(this.#url);
    const { answer, bytes } = await connection.ask(request, isHead);
    if (!answer && kept && bytes === '') return this.send(request, { isHead });
    if (!answer) throw new Error(`no answer, but ${JSON.stringify(bytes)}`);
    if (answer.headers.get('connection') === 'keep-alive') this.#idle.push(connection);
    else connection.close();
    return answer;
  }

  close(): void {
    for (const connection of this.#idle) connection.close();
  }
}

class Connection {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #changed = () => {};

  constructor({ hostname, port }: URL) {
    this.#socket = connect(Number(port), hostname);
    this.#socket.setTimeout(PATIENCE_MS, () => this.#socket.destroy());
    this.#socket.on('data', (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#changed();
    });
    // A reset ends it like any other end.
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.#changed());
  }

  async ask(request: Buffer, isHead: boolean): Promise<{ answer: WireAnswer | undefined; bytes: string }> {
    this.#bytes = Buffer.alloc(0);
    this.#socket.write(request);
    for (;;) {
      const ended = this.#socket.destroyed;
      const answer = parseAnswer(this.#bytes, { isHead, ended });
      if (answer || ended) return { answer, bytes: this.#bytes.toString('latin1') };
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The final answer, once it is whole; 1xx come before it. */
function parseAnswer(
  bytes: Buffer,
  { isHead, ended }: { isHead: boolean; ended: boolean },
): WireAnswer | undefined {
  const length = bytes.indexOf('\r\n\r\n');
  if (length === -1) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, length).split('\r\n');
  const status = Number(first.split(' ')[1]);
  const rest = bytes.subarray(length + 4);
  if (status < 200) return parseAnswer(rest, { isHead, ended });
  const headers = new Headers(
    lines.map((line): [string, string] => [
      line.slice(0, line.indexOf(':')),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  );
  const size = isHead || status === 204 || status === 304 ? 0 : headers.get('content-length');
  if (size === null ? !ended : rest.length < Number(size)) return undefined;
  return { status, headers, body: rest.toString('utf8', 0, Number(size ?? rest.length)) };
}
