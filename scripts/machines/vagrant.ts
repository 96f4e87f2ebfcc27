import { existsSync, globSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { BerthError } from '../../provisioning/errors.ts';
import { runChecked } from '../process.ts';
import type { Report } from '../report.ts';
import { writeAtomic } from './atomic.ts';
import { ensureKey } from './container/keys.ts';
import { type Place, placeOf } from './container/place.ts';
import type { Machine, MachineState, Reach } from './machine.ts';
import { sshPath } from './ssh-path.ts';

export type VagrantOptions = {
  /** The hosts file's name, which the Vagrantfile's machine has too. */
  name: string;
  /** The checkout, where the Vagrantfile is. */
  root: string;
  /** Where machines are kept, e.g. `<checkout>/.berth`. */
  stateDirectory: string;
  /** Whom `ssh -F ssh_config <name>` logs in as. The first contact is Vagrant's own user's. */
  user: string;
  signal?: AbortSignal;
};

/** `vagrant.json`: what the Vagrantfile writes down of a machine whenever it has started it. */
export type VagrantRecord = {
  /** Vagrant's own number of the machine. */
  id: string;
  provider: string;
  host: string;
  port: number;
  user: string;
  /** Private keys' files that let Vagrant in. */
  keys: string[];
  /** The ports of this computer that lead to nginx. */
  httpPort: number;
  httpsPort: number;
  hostname: string;
};

/**
 * A machine that Vagrant makes, with whatever provider it has, as the repository's Vagrantfile says. Vagrant takes
 * seconds to say anything, so it is asked only for what the Vagrantfile has not written down.
 */
export function vagrantMachine(options: VagrantOptions): Machine {
  const place = placeOf(options.stateDirectory, options.name);
  const { name } = options;
  const start = async (report: Report) => {
    refuseContainer(place);
    if (await runs(name, recordOf(place))) return;
    await report.step(`starts the machine ${name} with Vagrant`, (detail) =>
      vagrant(options, ['up', name], detail),
    );
  };
  return {
    kind: 'vagrant',
    create: start,
    start,
    async stop(report) {
      await report.step(`stops the machine ${name}`, (detail) => vagrant(options, ['halt', name], detail));
    },
    async destroy(report) {
      refuseContainer(place);
      await report.step(`destroys the machine ${name}`, (detail) =>
        vagrant(options, ['destroy', '--force', name], detail),
      );
      rmSync(place.directory, { recursive: true, force: true });
    },
    state: () => stateOf(options, place),
    reach: () => reachOf(options, place),
  };
}

/** How long an sshd may take to say its first word: an emulated machine under load has taken more than three seconds. */
const answerMs = 10_000;

/** The state that `vagrant status --machine-readable` says: lines of `time,machine,kind,data`. */
export function stateIn(text: string): MachineState {
  const state = /^\d+,[^,]*,state,(\w+)/m.exec(text)?.[1];
  if (state === undefined || state === 'not_created') return 'absent';
  return state === 'running' ? 'running' : 'stopped';
}

/**
 * Reaches the machine as `ssh -F FILE <name>`. Its host key is taken when it is seen first, over a network of this
 * computer's own, and pinned from then on.
 */
export function sshConfigFor({ name, key, knownHosts }: Place, record: VagrantRecord, user: string): string {
  const identities = [key, ...record.keys].map((path) => `  IdentityFile ${sshPath(path)}\n`).join('');
  return `# Written by Berth, of what the Vagrantfile has written into vagrant.json.
Host ${name}
  HostName ${record.host}
  Port ${record.port}
  User ${user}
${identities}  IdentitiesOnly yes
  HostKeyAlias ${name}
  UserKnownHostsFile ${sshPath(knownHosts)}
  GlobalKnownHostsFile none
  StrictHostKeyChecking accept-new
  UpdateHostKeys no
  PreferredAuthentications publickey
  ConnectTimeout 10
  ServerAliveInterval 15
  ServerAliveCountMax 4
`;
}

async function stateOf(options: VagrantOptions, place: Place): Promise<MachineState> {
  const record = recordOf(place);
  if (await runs(options.name, record)) return 'running';
  if (record === undefined || !isMade(options)) return 'absent';
  return stateIn(await vagrant(options, ['status', '--machine-readable', options.name]));
}

async function reachOf({ name, user }: VagrantOptions, place: Place): Promise<Reach> {
  const record = recordOf(place);
  if (record === undefined)
    throw new BerthError('machine_absent', `there is no machine ${name} yet`, `berth up --host ${name}`);
  const publicKey = await ensureKey(place);
  const text = sshConfigFor(place, record, user);
  if (!existsSync(place.sshConfig) || readFileSync(place.sshConfig, 'utf8') !== text)
    writeAtomic(place.sshConfig, text, 0o644);
  const { httpPort, httpsPort, hostname } = record;
  return {
    sshConfig: place.sshConfig,
    alias: name,
    firstUser: record.user,
    publicKey,
    // The forward listens there alone; `localhost` may be ::1 first.
    names: ['127.0.0.1', 'localhost'],
    vagrant: { httpPort, httpsPort, hostname },
  };
}

function recordOf({ directory }: Place): VagrantRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'vagrant.json'), 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether Vagrant has made this machine, of whatever provider, and not taken it away again. */
function isMade({ root, name }: VagrantOptions): boolean {
  const dotfile = resolve(root, process.env.VAGRANT_DOTFILE_PATH ?? '.vagrant');
  return globSync(`machines/${name}/*/id`, { cwd: dotfile }).length > 0;
}

/** Vagrant says so itself where it has called us: it then holds the machine until we are done, and could not be asked. */
async function runs(name: string, record: VagrantRecord | undefined): Promise<boolean> {
  if (record === undefined) return false;
  return process.env.BERTH_VAGRANT_HOLDS === name || answers(record);
}

/** An sshd that answers is a machine that runs: a forward alone takes connections while nothing is behind it. */
function answers(record: VagrantRecord): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: record.host, port: record.port, timeout: answerMs });
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('data', (said: Buffer) => end(said.toString('latin1').startsWith('SSH-')));
    for (const silent of ['error', 'timeout', 'close']) socket.once(silent, () => end(false));
  });
}

/** The Vagrantfile provisions by Berth whatever it starts, unless Berth itself has asked for it. */
async function vagrant(
  { root, name, stateDirectory, signal }: VagrantOptions,
  words: string[],
  onLine?: (line: string) => void,
): Promise<string> {
  const env = { BERTH_VAGRANT_HOST: name, BERTH_VAGRANT_ALONE: '1', BERTH_STATE: stateDirectory };
  const { stdout } = await runChecked(['vagrant', ...words], {
    ...{ cwd: root, env, signal },
    ...(onLine && { onLine }),
  });
  return stdout;
}

function refuseContainer({ name, record }: Place): void {
  if (!existsSync(record)) return;
  throw new BerthError(
    'machine_unrecognised',
    `the machine ${name} of this checkout is a container`,
    'say machine.kind: container in its hosts file, and berth destroy takes it away',
  );
}
