import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { incomingPath, layerPath, slugPath } from './releases/store.ts';

export type UploadsInput = {
  app: string;
  slug: string;
  layer: string;
  sourceDigest: string;
  layerDigest: string;
};

/** Which archives of a deploy are not on the machine yet, neither unpacked nor uploaded; their digests. */
export async function missingUploads(
  input: UploadsInput,
  { host }: { host: Host },
): Promise<{ missing: string[] }> {
  const { app } = input;
  if (!(await host.stat(`/srv/${app}/incoming`))) {
    throw new BerthError(
      'not_applied',
      `the machine is not prepared for ${app}: /srv/${app} is missing`,
      'run: berth apply',
    );
  }
  const needs = [
    { digest: input.sourceDigest, unpacked: slugPath(app, input.slug) },
    { digest: input.layerDigest, unpacked: layerPath(app, input.layer) },
  ];
  const missing: string[] = [];
  for (const { digest, unpacked } of needs) {
    const there = (await host.stat(unpacked)) ?? (await host.stat(incomingPath(app, digest)));
    if (!there) missing.push(digest);
  }
  return { missing };
}

/**
 * Takes one archive from standard input until its end and keeps it under its SHA-256.
 *
 * @throws BerthError `upload_damaged` when what arrived is not what was named
 */
export async function receive({ app, digest }: { app: string; digest: string }): Promise<{ bytes: number }> {
  const path = incomingPath(app, digest);
  const partial = `${path}.${process.pid}.partial`;
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    await pipeline(
      process.stdin,
      async function* measure(chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          yield chunk;
        }
      },
      createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }),
    );
    if (hash.digest('hex') !== digest) {
      throw new BerthError(
        'upload_damaged',
        `an upload of ${bytes} bytes is not ${digest}`,
        'run the same command again',
      );
    }
    await rename(partial, path);
    return { bytes };
  } finally {
    await rm(partial, { force: true });
  }
}
