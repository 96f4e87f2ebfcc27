import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { BerthError, messageOf } from '../../provisioning/errors.ts';
import { ask, asks } from '../ask.ts';
import type { Command, Context, Input } from '../command.ts';
import { hostFileName, parseDestination } from '../destination.ts';
import { connectAs } from '../entrance.ts';
import { EXIT } from '../exit-codes.ts';
import { hostFileText, sizeText } from '../host-file-text.ts';
import { type Looked, look } from '../look.ts';
import { writeAtomic } from '../machines/atomic.ts';
import { sshMachine } from '../machines/ssh.ts';
import { nameOf, ownKeys } from '../own-keys.ts';
import { runChecked } from '../process.ts';
import { domain as domainName, userName } from '../settings/names.ts';
import { parsePublicKey } from '../settings/public-key.ts';
import { parseHostFile } from '../settings.ts';
import { oneLine } from '../terminal.ts';

export const command: Command = {
  arguments: [['[destination]', 'user@host, ssh://user@host:port, or an alias of your ssh configuration']],
  options: [
    ['--domain <names>', 'the names that the API is to answer, separated by commas'],
    ['--name <name>', "the hosts file's name (default: of the domain, else of the host)"],
    ['--admin <user>', 'the sudo user that berth makes', 'deploy'],
    [
      '--key <file>',
      "a public key's file that is to be let in (default: those of your agent and your own of ~/.ssh)",
    ],
    ['--identity <file>', 'the private key that ssh is to use (default: what it tries by itself)'],
  ],
  examples: [
    ['berth init root@203.0.113.7 --domain api.example.com', 'look at a machine and write its hosts file'],
    ['berth init vps --name shop --yes', 'an alias of ~/.ssh/config; nothing is asked'],
    ['berth init ssh://admin@[2001:db8::7]:2222', 'another port, an IPv6 address'],
  ],
  async run(context, input) {
    const wanted = await wishes(context, input);
    const { name, path, machine, admin, domains } = wanted;
    if (existsSync(join(context.root, path)))
      await context.confirm(`${path} is there already, and would be replaced.`);
    const { stateDirectory, signal, report } = context;
    const reach = await sshMachine({ ...machine, name, stateDirectory, signal }).reach();
    const connect = connectAs(context, reach, [reach.firstUser]);
    const looked = await look(context.root, connect, signal);
    report.data({ type: 'machine', ...looked });
    report.print(factLines(looked, machine.host));
    for (const text of doubts(looked)) report.note(`! ${text}`);
    const keys = await chosenKeys(context, input, admin);
    const text = hostFileText({ ...machine, name, looked, admin, keys, domains, date: today() });
    // What we wrote ourselves is refused as well, rather than found out by the next command.
    parseHostFile(text, { name, path, root: context.root });
    writeAtomic(join(context.root, path), text, 0o644);
    report.data({ type: 'hosts_file', name, path });
    report.print(`\nWrote ${path}; on the machine nothing was changed.\n\n${next(name)}`);
    return EXIT.done;
  },
};

type Wishes = {
  name: string;
  path: string;
  machine: { host: string; port?: number; user: string; identity?: string };
  admin: string;
  domains: string[];
};

async function wishes(context: Context, { args, options }: Input): Promise<Wishes> {
  const given = (option: string) => {
    const value = options[option];
    return typeof value === 'string' ? value : undefined;
  };
  const propose = (question: string, proposal: string) =>
    asks(context) ? ask(context, question, proposal) : Promise.resolve(proposal);
  const typed = args[0] ?? (await propose('The machine, as user@host', ''));
  if (typed === '')
    throw wrongUsage(
      'berth init wants to know the machine',
      'berth init <user@host>, as you would say ssh <user@host>',
    );
  const destination = parseDestination(typed);
  const names = given('domain') ?? (await propose('The domain of the API, if it has one', ''));
  const domains = names
    .split(',')
    .filter(Boolean)
    .map((each) => checked('--domain', each.trim(), domainName));
  const admin = checked('--admin', given('admin') ?? 'deploy', userName);
  const name =
    given('name') ?? (await propose('The name of its hosts file', hostFileName(destination, domains[0])));
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(name) || name === 'example')
    throw wrongUsage(
      `${JSON.stringify(name)} is no name of a hosts file`,
      'lower-case letters, digits and hyphens: --name <name>',
    );
  const user = destination.user ?? (await configuredUser(destination.host));
  const identity = given('identity');
  return {
    name,
    path: `provisioning/hosts/${name}.yml`,
    machine: {
      ...destination,
      user,
      ...(identity === undefined ? {} : { identity: atHome(resolve(context.io.cwd, identity)) }),
    },
    admin,
    domains,
  };
}

/** Whom ssh would log in as: what the person's configuration says, else who the person is here. */
async function configuredUser(host: string): Promise<string> {
  const { stdout } = await runChecked(['ssh', '-G', '--', host]);
  return /^user (.+)$/m.exec(stdout)?.[1] ?? 'root';
}

async function chosenKeys(context: Context, { options }: Input, admin: string): Promise<string[]> {
  if (typeof options.key === 'string') {
    const path = resolve(context.io.cwd, options.key);
    return [checked('--key', path, (file) => parsePublicKey(readFileSync(file, 'utf8')))];
  }
  const keys = await ownKeys(context.signal);
  if (keys.length === 0) {
    throw new BerthError(
      'no_public_key',
      'neither your ssh agent nor ~/.ssh has a key of yours, and later on the machine is reached by key alone',
      'make one: ssh-keygen -t ed25519; or name one: --key <file>',
    );
  }
  if (keys.length === 1 || !asks(context)) return keys;
  const list = keys.map((key, index) => `  ${index + 1}  ${oneLine(nameOf(key), 70)}\n`).join('');
  context.io.stderr.write(`\nYour keys:\n${list}`);
  const typed = await ask(context, `Which may log in as ${admin}, e.g. 1,2`, 'all');
  if (typed === 'all') return keys;
  const numbers = typed.split(/[\s,]+/).map(Number);
  const chosen = keys.filter((_, index) => numbers.includes(index + 1));
  if (chosen.length === new Set(numbers).size) return chosen;
  throw wrongUsage(`${JSON.stringify(typed)} does not name keys of the list`, 'numbers such as 1,2, or all');
}

function factLines(looked: Looked, host: string): string {
  const { listens, clockAheadSeconds: ahead } = looked;
  const off = Math.abs(ahead) < 1 ? 'right' : `${Math.abs(ahead)} s ${ahead > 0 ? 'ahead' : 'behind'}`;
  const lines = {
    machine: `${looked.hostname} (${host}): ${looked.system}, ${looked.cpu}${looked.virtual && `, ${looked.virtual}`}`,
    size: sizeText(looked),
    login: `${looked.user}, ${standing[looked.sudo]}`,
    listens:
      listens.map(({ port, programs }) => [port, ...programs].join(' ')).join(', ') ||
      'nothing that we may see',
    clock: `${off}, ${looked.zone}`,
  };
  return Object.entries(lines)
    .map(([what, text]) => `${what.padEnd(8)} ${oneLine(text, 200)}\n`)
    .join('');
}

const standing: Record<Looked['sudo'], string> = {
  root: 'who is root',
  free: 'who may use sudo without a password',
  asks: 'for whom sudo wants a password',
  none: 'who has no sudo',
};

/** What an apply would refuse or trip over. */
function doubts({ sudo, user, listens, memoryMiB, disk, clockAheadSeconds, applied }: Looked): string[] {
  const others = listens
    .filter(({ port, programs }) => [80, 443].includes(port) && programs.some((name) => name !== 'nginx'))
    .map(
      ({ port, programs }) =>
        `port ${port} is taken by ${programs.join(', ')}; stop it, or set nginx.http_port and https_port`,
    );
  return [
    ...(sudo === 'none' ? [`${user} cannot become root, which berth needs: log in as another user`] : []),
    ...others,
    ...(memoryMiB < 450 ? [`${memoryMiB} MiB of memory are less than the 450 that berth needs`] : []),
    ...(disk.freeMiB < 1024
      ? [`${disk.freeMiB} MiB of free disk are less than the 1024 that berth needs`]
      : []),
    ...(Math.abs(clockAheadSeconds) > 30
      ? ['its clock is wrong, which certificates and packages do not forgive']
      : []),
    ...(applied ? ['berth has applied it before: its admin user may be the one to log in as'] : []),
  ];
}

function next(name: string): string {
  return `Next:
  npx berth plan --host ${name}    what apply would change
  npx berth up --host ${name}      provision it, deploy every application and prove it
`;
}

/** Shorter, and right for everybody who has the checkout and the same habits. */
function atHome(path: string): string {
  return path.startsWith(`${homedir()}/`) ? `~${path.slice(homedir().length)}` : path;
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}

function checked(option: string, given: string, parse: (text: string) => string): string {
  try {
    return parse(given);
  } catch (error) {
    throw wrongUsage(`${option} ${given}: ${messageOf(error)}`, 'berth init --help');
  }
}

function wrongUsage(message: string, hint: string): BerthError {
  return new BerthError('wrong_usage', message, hint);
}
