import { type FileState, planWrite, readFileState } from './file.ts';
import type { Resource } from './resource.ts';

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

/** sshd's own file reads the drop-ins, before anything that it says itself, and is root's alone. */
export function includes(path: string, line: string, proofInPlace: string[]): Resource<FileState> {
  const attributes = { mode: 0o600, owner: 'root', group: 'root' };
  return {
    id: `include in ${path}`,
    check: (host) => readFileState(host, path),
    plan({ stat, content }) {
      const text = content ?? '';
      const [first = ''] = text.split('\n').filter((each) => /^\s*[a-z]/i.test(each));
      const wanted = first.trim() === line ? text : `${line}\n${text}`;
      return planWrite(
        { do: 'write', path, content: wanted, before: content, proofInPlace, ...attributes },
        stat,
      );
    },
    inverse: () => ({ stays: `${path}, as Berth made it: mode 0600, ${line}` }),
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
