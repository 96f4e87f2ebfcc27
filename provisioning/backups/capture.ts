import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../errors.ts';
import type { Host, SpawnOptions } from '../host.ts';
import { requireBytes } from './room.ts';
import type { FileRecord } from './store.ts';

export type CaptureInto = {
  directory: string;
  name: string;
  /** A file that outgrows this is given up. */
  maxBytes: number;
};

export type CaptureOptions = Pick<SpawnOptions, 'user' | 'cwd' | 'env'> & {
  /** Exit codes that are not a failure; what the program said is then kept as `warnings`. */
  tolerated?: number[];
  /** Kills the program. */
  signal?: AbortSignal;
};

/**
 * Runs a program and keeps what it prints as a new file, 0600, with the checksum of what it printed. A program whose
 * reader is gone ends by itself, so nothing goes on behind a killed backup.
 *
 * @throws BerthError `command_failed`, `disk_short`; what the disk says when it is full rises as it is
 */
export async function capture(
  host: Host,
  argv: readonly string[],
  { directory, name, maxBytes }: CaptureInto,
  { tolerated = [], signal, ...options }: CaptureOptions,
): Promise<FileRecord> {
  const child = await host.spawn(argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = lastWords(child);
  const ended = once(child, 'close');
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    await pipeline(
      child.stdout as NonNullable<typeof child.stdout>,
      async function* measure(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          if (bytes % checkedEvery > (bytes + chunk.length) % checkedEvery) {
            await requireBytes(directory, 0, name);
          }
          bytes += chunk.length;
          if (bytes > maxBytes) throw outgrown(name, maxBytes);
          yield chunk;
        }
      },
      createWriteStream(`${directory}/${name}`, { flags: 'wx', mode: 0o600, flush: true }),
      ...(signal ? [{ signal }] : []),
    );
  } catch (error) {
    child.kill('SIGKILL');
    await ended;
    throw error;
  }
  const [code] = (await ended) as [number | null];
  const record = { name, bytes, sha256: hash.digest('hex') };
  if (code === 0) return record;
  if (code !== null && tolerated.includes(code)) return { ...record, warnings: said() };
  throw failed(argv, code, said());
}

/** How often the room on the disk is looked at meanwhile, which root could use up to the last byte. */
const checkedEvery = 16 * 1024 ** 2;

function outgrown(name: string, maxBytes: number): BerthError {
  return new BerthError(
    'disk_short',
    `${name} grew beyond ${Math.round(maxBytes / 1024 ** 2)} MiB while it was made, far more than there was before`,
    'see what writes so much on the machine, then run the same command again',
  );
}

/** Runs a program whose standard input is a file: the file itself, since a pipe breaks where a program stops reading. */
export async function feed(
  host: Host,
  argv: readonly string[],
  path: string,
  options: Pick<SpawnOptions, 'user' | 'cwd'>,
): Promise<void> {
  await using file = await open(path);
  const child = await host.spawn(argv, { ...options, stdio: [file.fd, 'ignore', 'pipe'] });
  const said = lastWords(child);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw failed(argv, code, said());
}

/** SHA-256 and size of a file that stands. */
export async function measure(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk as Buffer);
    bytes += (chunk as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

function lastWords(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.setEncoding('utf8').on('data', (more: string) => {
    text = (text + more).slice(-4000);
  });
  return () => text.trim().split('\n').slice(-12).join('\n');
}

function failed(argv: readonly string[], code: number | null, said: string): BerthError {
  return new BerthError(
    'command_failed',
    `${argv.join(' ')} ended with exit code ${code ?? 'none: it was killed'}:\n${said}`,
    'mend what the program says on the machine (berth ssh), then run the same command again',
  );
}
