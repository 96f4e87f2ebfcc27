import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { BerthError } from '../errors.ts';
import { type Manifests, manifestFiles } from '../releases/identity.ts';
import type { PushHeader } from './header.ts';
import { printFailure } from './print.ts';

// git's pre-receive hook (githooks(5)), as the admin user: what is pushed still lies in quarantine, where only git
// finds it, by the environment that this inherits. It is handed to root as a tar file; exit code 0 accepts the push.
const [app = '', branch = '', folder = '.'] = process.argv.slice(2);
// A pusher who has gone must not end what they have begun.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
try {
  const commit = wantedCommit(await text(process.stdin));
  process.exitCode = await handOver(treeOf(commit), commit);
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
}

/** The one commit that is pushed. Each line of the input is `<old> <new> <ref>`. */
function wantedCommit(updates: string): string {
  const lines = updates.trim().split('\n');
  const [, commit = '', ref] = (lines[0] ?? '').split(' ');
  const deleted = /^0+$/.test(commit);
  if (lines.length === 1 && ref === `refs/heads/${branch}` && !deleted) return commit;
  const pushed = lines.map((line) => line.split(' ')[2]?.replace(/^refs\/heads\//, '')).join(', ');
  throw new BerthError(
    'push_refused',
    `${app} deploys the branch ${branch} alone, this push ${deleted ? 'deletes' : 'is to'} ${pushed}`,
    `git push <remote> HEAD:${branch}`,
  );
}

/** The application's folder in a commit. */
function treeOf(commit: string): string {
  const name = folder === '.' ? `${commit}^{tree}` : `${commit}:${folder}^{tree}`;
  const tree = git('rev-parse', '--verify', '--quiet', '--end-of-options', name);
  if (tree !== null) return tree.trim();
  throw new BerthError(
    'not_an_application',
    `apps.${app}: ${commit.slice(0, 7)} has no folder ${folder}`,
    `name the folder of the application with apps.${app}.path, then run: berth apply`,
  );
}

function readManifests(tree: string): Manifests {
  const paths = manifestFiles(blob(tree, 'package-lock.json') ?? '{}');
  const found = paths.map((path) => [path, blob(tree, path)] as const);
  return Object.fromEntries(found.filter((each): each is readonly [string, string] => each[1] !== null));
}

function blob(tree: string, path: string): string | null {
  return git('cat-file', 'blob', `${tree}:${path}`);
}

/** What git says, or null where it fails. */
function git(...argv: string[]): string | null {
  const { status, stdout } = spawnSync('git', argv, { maxBuffer: 64 * 1024 ** 2, encoding: 'utf8' });
  return status === 0 ? stdout : null;
}

async function handOver(tree: string, commit: string): Promise<number> {
  const header: PushHeader = {
    app,
    branch,
    commit: git('rev-parse', '--short', commit)?.trim() ?? commit,
    manifests: readManifests(tree),
    connection: process.env.SSH_CONNECTION ?? '',
  };
  const program = [process.execPath, join(import.meta.dirname, 'receive.ts')];
  const root = spawn('sudo', ['-n', ...program], { stdio: ['pipe', 'inherit', 'inherit'] });
  const ended = new Promise<number>((resolve, reject) => {
    root.on('error', reject);
    root.on('close', (code) => resolve(code ?? 1));
  });
  const archive = spawn('git', ['archive', '--format=tar', tree], { stdio: ['ignore', 'pipe', 'inherit'] });
  root.stdin.write(`${JSON.stringify(header)}\n`);
  // Root may refuse before it has read all; its exit code is what counts.
  await pipeline(archive.stdout, root.stdin).catch(() => {});
  return ended;
}
