import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import { npmFailed, writeManifests } from './bundle.ts';
import { lastLines, run } from './process.ts';

export type BuildOptions = {
  /** The application's name, for errors. */
  app: string;
  /** Told what npm and the build say, line by line. */
  onLine: (line: string) => void;
};

/**
 * Runs the `build` script of an application in a copy of its source, with every dependency that its lock names, the
 * development ones too, installed for this computer. What the script makes stays in the copy; they do not. Whether
 * install scripts of packages run is npm's own policy to say (`allowScripts` in package.json, `ignore-scripts`).
 *
 * @throws BerthError `packages_unavailable`, `build_failed` with the end of what it said
 */
export async function runBuild(
  directory: string,
  manifests: Record<string, string>,
  { app, onLine }: BuildOptions,
): Promise<void> {
  // What npm needs may be marked export-ignore; the slug is to be without it still.
  const added = Object.keys(manifests).filter((file) => !existsSync(join(directory, file)));
  await writeManifests(directory, Object.fromEntries(added.map((file) => [file, manifests[file] ?? ''])));
  const installed = await run(['npm', 'ci', '--include=dev', '--no-fund', '--no-audit'], {
    cwd: directory,
    onLine,
  });
  if (installed.code !== 0) throw npmFailed(installed.stderr);
  const env = { NODE_ENV: 'production' };
  const built = await run(['npm', 'run', '--silent', 'build'], { cwd: directory, env, onLine });
  if (built.code !== 0) throw buildFailed(app, `${built.stdout}\n${built.stderr}`);
  for (const file of ['node_modules', ...added]) {
    await rm(join(directory, file), { recursive: true, force: true });
  }
}

function buildFailed(app: string, said: string): BerthError {
  return new BerthError(
    'build_failed',
    `npm run build of ${app} failed:\n${lastLines(said, 15)}`,
    'mend the build, commit and deploy again; nothing was changed on the machine',
  );
}
