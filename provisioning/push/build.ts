import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Manifests } from '../releases/identity.ts';
import { buildExit, inputDirectory } from './sandbox.ts';

// Runs in the sandbox, as nobody in particular: `build.ts layer <cpu>` installs the production dependencies, `build.ts
// source` runs the build script. The result leaves as a tar file on standard output; what is said, on standard error.
const [what = '', cpu = ''] = process.argv.slice(2);
const home = process.env.HOME ?? '';
const bin = join(home, 'bin');
const npmDirectory = '/opt/berth/node/node_modules/npm/bin';
const work = join(home, 'work');

const environment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${bin}:${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
  CI: 'true',
  npm_config_cache: join(home, 'npm'),
  npm_config_globalconfig: '/etc/npmrc',
  npm_config_update_notifier: 'false',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  // What the machine trusts, a company's proxy included (extra_ca), not only what Node was built with.
  NODE_EXTRA_CA_CERTS: '/etc/ssl/certs/ca-certificates.crt',
};

/** Ends the build with an exit code; what there is to say has been said. */
class Ended extends Error {
  readonly code: number;
  constructor(code: number) {
    super();
    this.code = code;
  }
}

try {
  await prepare();
  await requireRegistry();
  if (what === 'layer') await installLayer();
  else await buildSource();
} catch (error) {
  if (!(error instanceof Ended)) console.error(error);
  process.exitCode = error instanceof Ended ? error.code : buildExit.failed;
}

async function prepare(): Promise<void> {
  await mkdir(bin);
  await mkdir(work);
  for (const program of ['npm', 'npx'])
    await symlink(join(npmDirectory, `${program}-cli.js`), join(bin, program));
}

/**
 * Asks briefly: npm ci itself would try for minutes. Any answer of HTTP shows that there is a way. A name server's
 * "not now" (EAI_AGAIN), be it a lost packet, says nothing of the registry, so it is asked again.
 */
async function requireRegistry(): Promise<void> {
  const flags = ['--fetch-retries=0', '--fetch-timeout=5000'];
  const ping = () => run(['timeout', '15', 'npm', 'ping', ...flags], { quiet: true });
  let answer = await ping();
  for (const seconds of [1, 3]) {
    if (!/npm error code EAI_AGAIN$/m.test(answer.said)) break;
    await setTimeout(seconds * 1000);
    answer = await ping();
  }
  const { code, said } = answer;
  if (code === 0 || /npm error code E\d{3}$/m.test(said)) return;
  console.error(said.trim());
  // A timeout says nothing and has 124.
  throw new Ended(code === 124 || said.includes('npm error') ? buildExit.noRegistry : buildExit.failed);
}

async function installLayer(): Promise<void> {
  const manifests = await readManifests();
  await writeManifests(manifests, Object.keys(manifests));
  const platform = ['--os=linux', `--cpu=${cpu}`, '--libc=glibc'];
  await must(
    ['npm', 'ci', '--ignore-scripts', '--omit=dev', '--workspaces=false', ...platform],
    buildExit.install,
  );
  // An application without dependencies has none to link to otherwise.
  await mkdir(join(work, 'node_modules'), { recursive: true });
  await sendBack(['node_modules']);
}

async function buildSource(): Promise<void> {
  const manifests = await readManifests();
  await must(['tar', '-xf', join(inputDirectory, 'source.tar'), '--no-same-owner'], buildExit.failed);
  // What npm needs may be marked export-ignore; the slug is to be without it still.
  const added = Object.keys(manifests).filter((file) => !existsSync(join(work, file)));
  await writeManifests(manifests, added);
  await must(['npm', 'ci', '--include=dev'], buildExit.install);
  environment.NODE_ENV = 'production';
  await must(['npm', 'run', 'build'], buildExit.failed);
  for (const file of ['node_modules', ...added]) await rm(join(work, file), { recursive: true, force: true });
  await sendBack(['.']);
}

async function readManifests(): Promise<Manifests> {
  return JSON.parse(await readFile(join(inputDirectory, 'manifests.json'), 'utf8')) as Manifests;
}

async function writeManifests(manifests: Manifests, paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(work, path)), { recursive: true });
    await writeFile(join(work, path), manifests[path] ?? '');
  }
}

/** Hard links become files, which is all that is taken over besides directories and symlinks. */
async function sendBack(paths: string[]): Promise<void> {
  const { code } = await run(['tar', '-cf', '-', '--hard-dereference', ...paths], { toOutput: true });
  if (code !== 0) throw new Ended(buildExit.failed);
}

async function must(argv: string[], exit: number): Promise<void> {
  const { code } = await run(argv, {});
  if (code !== 0) throw new Ended(exit);
}

/** Standard output is for the result alone, so that of programs goes to standard error. */
function run(
  [program = '', ...args]: string[],
  { quiet = false, toOutput = false },
): Promise<{ code: number; said: string }> {
  const said: string[] = [];
  return new Promise((resolve, reject) => {
    const outputs = quiet ? (['pipe', 'pipe'] as const) : ([toOutput ? 1 : 2, 2] as const);
    const child = spawn(program, args, { cwd: work, env: environment, stdio: ['ignore', ...outputs] });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => said.push(text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, said: said.join('') }));
  });
}
