import { BerthError } from '../errors.ts';
import type { Manifests } from '../releases/identity.ts';

/** The first line of what the hook hands to root; a tar file of the application follows. */
export type PushHeader = {
  app: string;
  /** The branch that was pushed to, e.g. `main`. */
  branch: string;
  /** A short commit. */
  commit: string;
  manifests: Manifests;
  /** `SSH_CONNECTION` of the pusher: their address and port, then the machine's. */
  connection: string;
};

const longest = 16 * 1024 ** 2;

/** Takes the first line off a stream of bytes. What follows it is left in `rest`. */
export async function readHeader(
  input: AsyncIterable<Buffer>,
): Promise<{ header: PushHeader; rest: AsyncIterable<Buffer> }> {
  const chunks = input[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (;;) {
    const end = head.indexOf('\n');
    if (end >= 0) {
      const header = checked(JSON.parse(head.subarray(0, end).toString()));
      return { header, rest: following(head.subarray(end + 1), chunks) };
    }
    const { value, done } = await chunks.next();
    if (done || head.length > longest) throw malformed('it has no first line');
    head = Buffer.concat([head, value]);
  }
}

async function* following(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

/** Whoever may push writes this, and root reads it. */
function checked(given: unknown): PushHeader {
  const { app, branch, commit, manifests, connection } = given as Record<string, unknown>;
  const texts = [app, branch, commit, connection];
  if (!texts.every((text) => typeof text === 'string')) throw malformed('a field is missing');
  if (!/^[a-z][a-z0-9-]{0,20}$/.test(String(app)) || !/^[0-9a-f]{4,64}$/.test(String(commit)))
    throw malformed('a field is not what it should be');
  const files = Object.entries(manifests ?? {});
  if (!files.every(([path, text]) => isInside(path) && typeof text === 'string'))
    throw malformed('a manifest lies elsewhere');
  return given as PushHeader;
}

function isInside(path: string): boolean {
  return (
    path !== '' && !path.startsWith('/') && !path.split('/').some((part) => ['', '.', '..'].includes(part))
  );
}

function malformed(what: string): BerthError {
  return new BerthError('bad_request', `the push cannot be read: ${what}`, 'run: berth apply');
}
