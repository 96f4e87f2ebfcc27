import { type Rule, skip } from '../../provisioning/verify/finding.ts';
import type { Reach } from '../machines/machine.ts';
import { runChecked } from '../process.ts';
import { routeArgv } from '../ssh-argv.ts';
import type { OutsideCheck } from './target.ts';

export type Route = {
  /** The name or address by which ssh connects. */
  sshHost: string;
  /** The port by which this computer comes to the machine's sshd; a forward may make it another one there. */
  sshPort: number;
  /** What ssh goes through, as its configuration has it, e.g. `bastion.example.org`; null: it connects by itself. */
  through: string | null;
};

/** As ssh itself understands the person's configuration. */
export async function routeOf(reach: Reach): Promise<Route> {
  const { stdout } = await runChecked(routeArgv(reach));
  const value = (name: string) => new RegExp(`^${name} (.+)$`, 'm').exec(stdout)?.[1];
  return {
    sshHost: value('hostname') ?? reach.alias,
    sshPort: Number(value('port') ?? 22),
    through: value('proxyjump') ?? (value('proxycommand') === undefined ? null : 'a ProxyCommand'),
  };
}

/** Why nothing was looked at that wants a connection of our own: by the same address another machine may answer here. */
export function reasonOf(through: string): string {
  return `ssh goes to this machine through ${through}; from here nothing else does`;
}

/** A check that connects by itself, where it cannot. `only`: single findings that were asked for are skipped as such. */
export function unreached({ id }: OutsideCheck, through: string, only: string[] | null): OutsideCheck {
  const named = (only ?? []).filter((one) => one.startsWith(`${id}.`));
  const ids = named.length === 0 || only?.includes(id) ? [`${id}.direct`] : named;
  const rule = (id: string): Rule => ({
    ...{ id, title: 'what answers here is as it should be' },
    ...{ fix: 'berth verify on a computer that reaches the machine by itself', reference: 'Berth' },
  });
  return { id, run: async () => ids.map((one) => skip(rule(one), reasonOf(through))) };
}
