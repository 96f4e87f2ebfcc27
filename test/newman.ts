import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChecked } from '../scripts/process.ts';

const NEWMAN = join(import.meta.dirname, '../node_modules/newman/bin/newman.js');

/**
 * Runs a collection against the API under `url`, trusting the authorities of the file `ca` too, and returns how many
 * requests and tests there were. Throws where any fails.
 */
export async function newman(collection: string, url: string, ca?: string) {
  const directory = await mkdtemp(join(tmpdir(), 'berth-newman-'));
  const report = join(directory, 'report.json');
  try {
    await runChecked([
      process.execPath,
      NEWMAN,
      'run',
      collection,
      '--env-var',
      `baseUrl=${url}`,
      ...(ca === undefined ? [] : ['--ssl-extra-ca-certs', ca]),
      '--reporters=cli,json',
      '--color=off',
      `--reporter-json-export=${report}`,
    ]);
    const { stats } = JSON.parse(await readFile(report, 'utf8')).run;
    return { requests: stats.requests.total as number, assertions: stats.assertions.total as number };
  } finally {
    await rm(directory, { recursive: true });
  }
}
