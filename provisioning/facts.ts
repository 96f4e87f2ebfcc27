import type { Host } from './host.ts';
import { type Platform, platformOf } from './platform.ts';

/** What many checks ask of the machine, asked once. */
export type Facts = {
  platform(): Promise<Platform>;
  users(): Promise<User[]>;
  groups(): Promise<Group[]>;
  /** Debian package name → dpkg's state, e.g. `install ok installed`; absent: not known to dpkg. */
  packages(): Promise<Map<string, string>>;
  /** A systemd unit as it is. Asked together with all others that are asked for in the same moment. */
  unit(name: string): Promise<Unit>;
  /** True inside a container: its kernel is its host's and takes no swap, sysctl or module from here. */
  container(): Promise<boolean>;
};

export type User = { name: string; uid: number; gid: number; home: string; shell: string };
export type Group = { name: string; gid: number; members: string[] };
export type Unit = {
  /** systemd's ActiveState: `active`, `inactive`, `failed` … */
  active: string;
  /** systemd's UnitFileState: `enabled`, `disabled`, `static`, or empty where there is no such unit. */
  enabled: string;
};

export function createFacts(host: Host): Facts {
  return {
    platform: once(async () => platformOf((await host.read('/usr/lib/os-release')) ?? '')),
    users: once(async () => parseUsers((await host.read('/etc/passwd')) ?? '')),
    groups: once(async () => parseGroups((await host.read('/etc/group')) ?? '')),
    packages: once(() => readPackages(host)),
    unit: batched((names) => readUnits(host, names)),
    container: once(
      async () => (await host.run(['systemd-detect-virt', '--quiet', '--container'])).code === 0,
    ),
  };
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => {
    answer ??= ask();
    return answer;
  };
}

/** Collects what is asked for in one turn of the event loop into one question. */
function batched<T>(ask: (keys: string[]) => Promise<Map<string, T>>): (key: string) => Promise<T> {
  const answers = new Map<string, Promise<T>>();
  let waiting: { keys: string[]; answer: Promise<Map<string, T>> } | undefined;
  return (key) => {
    const known = answers.get(key);
    if (known) return known;
    if (!waiting) {
      const batch = { keys: [] as string[], answer: undefined as unknown as Promise<Map<string, T>> };
      batch.answer = new Promise<void>((resolve) => setTimeout(resolve, 2)).then(() => {
        waiting = undefined;
        return ask(batch.keys);
      });
      waiting = batch;
    }
    waiting.keys.push(key);
    const answer = waiting.answer.then((all) => all.get(key) as T);
    answers.set(key, answer);
    return answer;
  };
}

export function parseUsers(passwd: string): User[] {
  return passwd
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => {
      const [name = '', , uid, gid, , home = '', shell = ''] = line.split(':');
      return { name, uid: Number(uid), gid: Number(gid), home, shell };
    });
}

export function parseGroups(group: string): Group[] {
  return group
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => {
      const [name = '', , gid, members = ''] = line.split(':');
      return { name, gid: Number(gid), members: members.split(',').filter(Boolean) };
    });
}

async function readPackages(host: Host): Promise<Map<string, string>> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is dpkg-query's own format language
  const format = '${Package}\t${Status}\n';
  const { stdout } = await host.run(['dpkg-query', '--show', `--showformat=${format}`]);
  return new Map(
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split('\t') as [string, string]),
  );
}

const unitProperties = ['ActiveState', 'UnitFileState'];

async function readUnits(host: Host, names: string[]): Promise<Map<string, Unit>> {
  const { stdout } = await host.run(['systemctl', 'show', `--property=${unitProperties}`, '--', ...names]);
  return parseUnits(stdout, names);
}

/** Parses `systemctl show`: one paragraph a unit, in the order asked. */
export function parseUnits(text: string, names: string[]): Map<string, Unit> {
  const paragraphs = text.trim().split('\n\n');
  return new Map(
    names.map((name, index) => {
      const fields = Object.fromEntries(
        (paragraphs[index] ?? '').split('\n').map((line) => {
          const at = line.indexOf('=');
          return [line.slice(0, at), line.slice(at + 1)];
        }),
      );
      return [
        name,
        {
          active: fields.ActiveState ?? 'inactive',
          enabled: fields.UnitFileState ?? '',
        },
      ];
    }),
  );
}
