import type { Looked } from './look.ts';
import { oneLine } from './terminal.ts';

export type HostFileParts = {
  name: string;
  looked: Looked;
  host: string;
  port?: number;
  user: string;
  identity?: string;
  admin: string;
  keys: string[];
  domains: string[];
  /** `2026-11-21`. */
  date: string;
};

/** A hosts file for a machine that was looked at, with what its reader needs to know. */
export function hostFileText(parts: HostFileParts): string {
  const { looked, host, port, user, identity, admin, keys, domains } = parts;
  return [
    `# ${parts.name}: ${oneLine(looked.system, 80)}, ${looked.cpu}, ${sizeText(looked)}, as berth init found it on ${parts.date}.`,
    '# Every setting, with its default, is explained in example.yml.',
    '',
    'machine:',
    '  kind: ssh',
    '  # An address, a name, or an alias of your own ssh configuration, where jump hosts and keys are taken from as well.',
    `  host: ${scalar(host)}`,
    ...(port === undefined ? [] : [`  port: ${port}`]),
    '  # Who logs in before the admin user exists.',
    `  user: ${scalar(user)}`,
    ...(identity === undefined
      ? []
      : ['  # The private key that ssh is to use.', `  identity: ${scalar(identity)}`]),
    '',
    'admin:',
    '  # The sudo user that berth makes and logs in as from then on, as people do.',
    `  user: ${scalar(admin)}`,
    '  # Who has one of these keys is root on the machine. This computer needs one of them.',
    '  keys:',
    ...keys.map((key) => `    - ${JSON.stringify(key)}`),
    '',
    ...(looked.sshPort === 22
      ? []
      : ['ssh:', '  # Where sshd listens, as it does now.', `  port: ${looked.sshPort}`, '']),
    'apps:',
    ...(domains.length === 0
      ? ['  api: {}']
      : [
          '  api:',
          "    # The names that nginx answers for it. They are to lead to the machine's address.",
          `    domains: [${domains.map(scalar).join(', ')}]`,
        ]),
    '',
  ].join('\n');
}

/** `2 CPUs, 3.8 GiB of memory, 30 GiB of disk free`. */
export function sizeText({ cpus, memoryMiB, disk }: Looked): string {
  return `${cpus} CPU${cpus === 1 ? '' : 's'}, ${gib(memoryMiB)} of memory, ${gib(disk.freeMiB)} of disk free`;
}

function gib(mib: number): string {
  return mib < 1024 ? `${mib} MiB` : `${(mib / 1024).toFixed(mib < 10_240 ? 1 : 0)} GiB`;
}

/** Plain where YAML takes it for a text, else quoted: JSON's texts are YAML's. */
function scalar(text: string): string {
  const plain =
    /^([A-Za-z~/][\w./~-]*|\d+\.\d+\.\d+\.\d+)$/.test(text) && !/^(true|false|null|~)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}
