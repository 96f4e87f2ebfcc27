import { readStatus } from './apply.ts';
import type { Context } from './command.ts';
import { holderText } from './holder.ts';
import { type MachineSide, openMachineSide } from './machine-side.ts';

/** What `berth status` says; each value can be used as it is. */
export type Status = {
  host: string;
  machine: string;
  url: string;
  /** The path of the authority's certificate on this computer; null before the first apply. */
  ca: string | null;
  /** A command line that ends where a remote command may follow. */
  ssh: string;
  release: string | null;
  commit: string | null;
  healthy: boolean;
  /** Who changes the machine just now; null: nobody. */
  holder: string | null;
};

export async function describe(context: Context, side?: MachineSide): Promise<Status> {
  const machine = await context.machine();
  const settings = await context.settings();
  const reach = await context.reach();
  const status = await readStatus(context, side ?? (await openMachineSide(context)));
  const app = Object.values(status.apps)[0];
  const port = settings.nginx.publicHttpsPort === 443 ? '' : `:${settings.nginx.publicHttpsPort}`;
  const [name = ''] = settings.tls.names;
  return {
    host: context.flags.host,
    machine: `${machine.kind}, ${status.platform}`,
    url: `https://${name.includes(':') ? `[${name}]` : name}${port}`,
    ca: status.caPath,
    ssh: sshLine(reach.sshConfig, settings.admin.user, reach.alias),
    release: app?.release ?? null,
    commit: app?.commit ?? null,
    healthy: app?.healthy ?? false,
    holder: status.holder && holderText(status.holder),
  };
}

function sshLine(config: string | undefined, user: string, alias: string): string {
  return [...(config ? ['ssh', '-F', config] : ['ssh']), '-l', user, alias].join(' ');
}
