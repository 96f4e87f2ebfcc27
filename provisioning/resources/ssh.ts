import { type FileState, planWrite, readFileState } from './file.ts';
import type { Goal, Resource } from './resource.ts';

/** The key by which people know the machine; one that is there is never replaced. */
export function hostKey(path: string): Resource<boolean> {
  const argv = ['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path];
  return {
    id: `host key ${path}`,
    check: async (host) => (await host.stat(path)) !== null,
    plan: (there) => (there ? [] : [{ do: 'run', argv, action: 'add' }]),
    inverse: () => ({}),
  };
}

type MainOptions = { path: string; dropIns: string; ours: string; proofInPlace: string[] };
type MainState = FileState & { others: string[] };

/** Before a line that says a port, which would add to ours. */
const aside = '#berth: ';
const ports = /^[ \t]*port[ \t=].*$/gim;
const listening = /^[ \t]*(?:port[ \t=].*|listenaddress[ \t=]+(?:\[.*\]|[^:\s]+):\d+[ \t]*)$/gim;

/** sshd's own file reads the drop-ins before anything that it says itself, says no port, and is root's alone. */
export function includes({ path, dropIns, ours, proofInPlace }: MainOptions): Resource<MainState> {
  const attributes = { mode: 0o600, owner: 'root', group: 'root' };
  const line = `Include ${dropIns}/*.conf`;
  return {
    id: `include in ${path}`,
    async check(host) {
      const names = (await host.list(dropIns)).filter((name) => name.endsWith('.conf'));
      const paths = names.map((name) => `${dropIns}/${name}`).filter((each) => each !== ours);
      const others = paths.map(async (each) => said(each, (await host.read(each)) ?? ''));
      return { ...(await readFileState(host, path)), others: (await Promise.all(others)).flat() };
    },
    plan({ stat, content }) {
      const text = content ?? '';
      const [first = ''] = text.split('\n').filter((each) => /^\s*[a-z]/i.test(each));
      const including = first.trim() === line ? text : `${line}\n${text}`;
      const wanted = including.replace(ports, (port) => aside + port);
      return planWrite(
        { do: 'write', path, content: wanted, before: content, proofInPlace, ...attributes },
        stat,
      );
    },
    notices: ({ content, others }) =>
      [...said(path, (content ?? '').replace(ports, '')), ...others].map(
        (each) => `sshd listens elsewhere than ssh.port too: ${each}`,
      ),
    inverse: () => ({
      goal: ownPorts(path, proofInPlace),
      stays: `${path}, as Berth made it: mode 0600, ${line}`,
    }),
  };
}

function said(path: string, text: string): string[] {
  return [...text.matchAll(listening)].map(([line]) => `${path} says ${line.trim()}`);
}

/** The ports that sshd's own file said are its again. */
function ownPorts(path: string, proofInPlace: string[]): Goal<FileState> {
  return {
    id: `ports in ${path}`,
    check: (host) => readFileState(host, path),
    plan({ stat, content }) {
      const wanted = content?.replaceAll(new RegExp(`^${aside}`, 'gm'), '');
      if (stat?.type !== 'file' || wanted === undefined || wanted === content) return [];
      const { mode, owner, group } = stat;
      return [{ do: 'write', path, content: wanted, before: content, mode, owner, group, proofInPlace }];
    },
  };
}

type SocketState = { active: boolean; listens: string };

/**
 * Where systemd listens for sshd (Ubuntu), it takes the port from sshd's configuration, but only at a start of its
 * socket, which wants that sshd does not run. Sessions are processes of their own and go on.
 */
export function socketPort(port: number): Resource<SocketState> {
  const systemctl = (...argv: string[]) => ({ do: 'run', argv: ['systemctl', ...argv] }) as const;
  return {
    id: 'service ssh.socket',
    async check(host) {
      const said = await host.must(['systemctl', 'show', '--property=ActiveState,Listen', 'ssh.socket']);
      return { active: /^ActiveState=active$/m.test(said), listens: said };
    },
    plan: ({ active, listens }) =>
      !active || listens.includes(`:${port} (Stream)`)
        ? []
        : [systemctl('daemon-reload'), systemctl('stop', 'ssh.service'), systemctl('restart', 'ssh.socket')],
    inverse: () => ({ stays: 'where systemd listens for sshd, until the next boot' }),
  };
}
