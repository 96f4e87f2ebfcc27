import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { BerthError } from '../provisioning/errors.ts';
import type { Target } from '../provisioning/releases/identity.ts';
import { type Bundle, codeBundle, runtimeBundle } from './bundle.ts';
import type { Context } from './command.ts';
import type { Reach } from './machines/machine.ts';
import { type RemoteOptions, type RemoteResult, remote } from './ssh.ts';

/**
 * Runs a command on one machine, as the user that it lets in. The input is made for each try: a stream that a
 * refused user has begun to take would be a piece short for the next.
 */
export type Connect = (argv: string[], options: ConnectOptions) => Promise<RemoteResult>;
export type ConnectOptions = Omit<RemoteOptions, 'input'> & { input: () => string | Readable };

/** What a machine must hold before it can be asked anything: our program, and the Node and pm2 to run it. */
export type Baggage = {
  code: Bundle;
  runtime: Bundle;
  /** Sends what the machine lacks; at first contact it is made fit for Node before. */
  send(options: { firstContact: boolean }): Promise<void>;
};

/** For a remote script: root's own way, or sudo's that never asks. */
export const asRoot = `[ "$(id -u)" = 0 ] && s= || s='sudo -n'`;

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
  const place = async (bundle: Bundle, what: string, directory: string) => {
    const archive = await report.step(`packs ${what}`, () => bundle.archive());
    await report.step(`sends ${what}`, async () => {
      const argv = ['sh', '-c', unpackBundle, 'berth', `/opt/berth/${directory}/${bundle.id}`];
      must(await connect(argv, { input: () => createReadStream(archive), signal }));
    });
  };
  return {
    code,
    runtime,
    async send({ firstContact }) {
      if (firstContact) {
        report.note('first contact: what Node needs is installed there, Node and pm2 go to /opt/berth');
        cpu = await report.step('makes first contact', (detail) => bootstrap(context, connect, detail));
        await place(runtime, 'Node and pm2', 'runtime');
      }
      await place(code, "the machine's side", 'sources');
    },
  };
}

/** Connects as the first user that the machine lets in, and stays with that one while it is let in. */
export function connectAs(reach: Reach, users: string[]): Connect {
  let candidates = [...new Set(users)];
  return async (argv, options) => {
    for (let others = candidates.length - 1; ; others -= 1) {
      const [user = '', ...rest] = candidates;
      try {
        return await remote(reach, user, argv, { ...options, input: options.input() });
      } catch (error) {
        const refused = error instanceof BerthError && error.code === 'ssh_auth_failed';
        if (!refused || others === 0) throw error;
        // An apply may take one user's login and give another his: none is given up for good.
        candidates = [...rest, user];
      }
    }
  };
}

async function bootstrap(
  { root, signal }: Context,
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
  must(await connect(['sh', '-c', `${asRoot}; exec $s sh -s`], { input: () => script, onLine, signal }));
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
