import type { Host } from '../host.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { judge, skip } from './finding.ts';

const rules = {
  input: {
    id: 'firewall.input',
    title: 'the loaded ruleset drops what no rule lets in, IPv4 and IPv6',
    fix: 'berth apply; sudo nft list ruleset shows what is loaded',
    reference: 'CIS Debian 12 4.3.8',
  },
  boot: {
    id: 'firewall.boot',
    title: 'the ruleset is loaded at every boot',
    fix: 'berth apply',
    reference: 'CIS Debian 12 4.3.9',
  },
  bans: {
    id: 'firewall.bans',
    title: 'fail2ban watches sshd and the API',
    fix: 'berth apply; sudo fail2ban-client status on the machine',
    reference: 'Mozilla OpenSSH',
  },
};

type Ruleset = { nftables: { chain?: Chain }[] };
type Chain = { family: string; table: string; name: string; hook?: string; policy?: string };

/** What is loaded in the kernel, not what the files say. */
export const firewall: Check = { id: 'firewall', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const { enabled, ban } = settings.firewall;
  return [
    ...(enabled
      ? await loaded(host)
      : [rules.input, rules.boot].map((rule) => skip(rule, 'firewall.enabled is false'))),
    ban ? await banning(host) : skip(rules.bans, 'firewall.ban is false'),
  ];
}

async function loaded(host: Host): Promise<Finding[]> {
  const [ruleset, unit] = await Promise.all([
    host.must(['nft', '-j', 'list', 'ruleset']),
    host.facts.unit('berth-firewall.service'),
  ]);
  const chains = (JSON.parse(ruleset) as Ruleset).nftables;
  const closed = chains.flatMap(({ chain }) =>
    chain?.hook === 'input' && chain.policy === 'drop' ? [chain] : [],
  );
  const open = ['ip', 'ip6'].filter(
    (family) => !closed.some((chain) => ['inet', family].includes(chain.family)),
  );
  return [
    judge(
      rules.input,
      open.map((family) => `no chain drops by default for ${family}`),
      closed.map(({ family, table, name }) => `${family} ${table} ${name}: policy drop`).join(', '),
    ),
    judge(
      rules.boot,
      unit.enabled.startsWith('enabled') ? [] : ['berth-firewall.service is not enabled'],
      'berth-firewall.service is enabled',
    ),
  ];
}

async function banning(host: Host): Promise<Finding> {
  const { stdout } = await host.run(['fail2ban-client', 'status']);
  const jails =
    /Jail list:\s*(.*)/
      .exec(stdout)?.[1]
      ?.split(/[,\s]+/)
      .filter(Boolean) ?? [];
  const missing = ['sshd', 'berth-api'].filter((jail) => !jails.includes(jail));
  return judge(
    rules.bans,
    missing.map((jail) => `no jail ${jail}`),
    jails.join(', '),
  );
}
