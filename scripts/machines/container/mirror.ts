import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BerthError } from '../../../provisioning/errors.ts';
import { lastLines, run } from '../../process.ts';

/** Seconds, not minutes, until a person learns that the mirror cannot be reached. */
const options = [
  'APT::Sandbox::User=root',
  'Acquire::http::Timeout=10',
  'Acquire::https::Timeout=10',
  'Acquire::Retries=1',
];

/**
 * Asks the mirror for a suite's index the way apt would, with the computer's own proxy and certificates.
 * Throws BerthError `mirror_unreachable`.
 */
export async function checkMirror(mirror: string, suite: string): Promise<void> {
  const url = `${mirror.replace(/\/$/, '')}/dists/${suite}/InRelease`;
  const work = await mkdtemp(join(tmpdir(), 'berth-mirror-'));
  try {
    const argv = ['/usr/lib/apt/apt-helper', ...options.flatMap((option) => ['-o', option])];
    const result = await run([...argv, 'download-file', url, join(work, 'InRelease')], { timeoutMs: 45_000 });
    if (result.code !== 0) {
      const failed = result.stderr.split('\n').filter((line) => line.includes('Failed to fetch'));
      throw mirrorUnreachable(suite, lastLines(failed.length > 0 ? failed.join('\n') : result.stderr, 2));
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

export function mirrorUnreachable(suite: string, said: string): BerthError {
  return new BerthError(
    'mirror_unreachable',
    `the packages of ${suite} cannot be fetched from this computer's Debian mirror: ${said}`,
    'check that `apt-get update` works on this computer; the mirror is the one in /etc/apt',
  );
}
