import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import { aptProxy } from '../provisioning/proxy.ts';
import type { Target } from '../provisioning/releases/identity.ts';
import { type Bundle, codeBundle, runtimeBundle, webBundle } from './bundle.ts';
import type { Context } from './command.ts';
import { asRoot, type Connect } from './entrance.ts';
import type { RemoteResult } from './ssh.ts';

/** What a machine must hold before it can be asked anything: our program, the Node and pm2 to run it, and the pages. */
export type Baggage = Record<Piece, Bundle> & {
  /** Sends what the machine lacks; for Node it is made fit before, at first contact. */
  send(piece: Piece): Promise<void>;
};
export type Piece = 'code' | 'runtime' | 'web';

/** What people call it, and where it goes below /opt/berth. */
const places: Record<Piece, [what: string, directory: string]> = {
  code: ["the machine's side", 'sources'],
  runtime: ['Node and pm2', 'runtime'],
  web: ['the pages', 'web'],
};

// $1 is the directory's final path. Unpacked beside it, then renamed: what stands there is whole.
const unpackBundle = `${asRoot}
exec $s sh -euc 'umask 022
[ ! -e "$1/.complete" ] || exec cat >/dev/null
mkdir -p "$(dirname "$1")"
rm -rf "$(dirname "$1")/.$(basename "$1")".??????
t=$(mktemp -d "$(dirname "$1")/.$(basename "$1").XXXXXX")
trap "rm -rf $t" EXIT
tar -xzf - -C "$t" --no-same-owner
chmod 0755 "$t"
: >"$t/.complete"
sync --file-system "$t"
rm -rf "$1"
mv -T "$t" "$1"' sh "$1"`;

export async function packBaggage(context: Context, connect: Connect): Promise<Baggage> {
  const { root, stateDirectory, signal, report } = context;
  const cache = join(stateDirectory, 'cache');
  let cpu: Target['cpu'] = 'x64';
  const code = await codeBundle(root, cache);
  const runtime = await runtimeBundle(root, cache, async () => ({ os: 'linux', cpu, libc: 'glibc' }));
  const bundles = { code, runtime, web: await webBundle(root, cache) };
  return {
    ...bundles,
    async send(piece) {
      if (piece === 'runtime') {
        report.note('first contact: what Node needs is installed there, Node and pm2 go to /opt/berth');
        cpu = await report.step('makes first contact', (detail) => bootstrap(context, connect, detail));
      }
      const bundle = bundles[piece];
      const [what, directory] = places[piece];
      const archive = await report.step(`packs ${what}`, () => bundle.archive());
      await report.step(`sends ${what}`, async () => {
        const argv = ['sh', '-c', unpackBundle, 'berth', `/opt/berth/${directory}/${bundle.id}`];
        must(await connect(argv, { input: () => createReadStream(archive), signal }));
      });
    },
  };
}

async function bootstrap(
  { root, signal, settings }: Context,
  connect: Connect,
  detail: (text: string) => void,
): Promise<Target['cpu']> {
  const parts = ['dpkg.sh', 'bootstrap.sh'].map((name) => readFile(join(root, 'provisioning', name), 'utf8'));
  const script = (await Promise.all(parts)).join('');
  let last = '';
  const onLine = (line: string) => {
    last = line;
    detail(line);
  };
  const { proxy, extraCa } = await settings();
  const argv = ['sh', '-c', `${asRoot}\nexec $s sh -c "$1" berth "$2"`, 'berth', script, aptProxy(proxy)];
  must(await connect(argv, { input: () => extraCa.join(''), onLine, signal }));
  const [word, what = 'bootstrap_failed', ...rest] = last.split(' ');
  if (word === 'ready') return what === 'aarch64' ? 'arm64' : 'x64';
  throw new BerthError(
    what,
    `this machine is not one that Berth supports: ${rest.join(' ') || last}`,
    'use Debian 12 or 13, or Ubuntu 24.04 or 26.04, on x86-64 or arm64; nothing was changed',
  );
}

function must({ code, stderr }: RemoteResult): void {
  if (code === 0) return;
  throw new BerthError(
    'bootstrap_failed',
    `the machine could not be prepared (exit code ${code}):\n${stderr.trim()}`,
    'run the same command again once the cause is gone',
  );
}
