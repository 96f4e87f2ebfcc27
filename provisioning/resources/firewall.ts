import type { Resource } from './resource.ts';

/** Each as `nft` prints it; null: there is none. */
type FirewallState = {
  /** The table of ours in the kernel now, and as it was when it was loaded last. */
  live: string | null;
  loaded: string | null;
  /** Tables of others that drop what comes in, e.g. `ip filter`. */
  rivals: string[];
};

const nft = '/usr/sbin/nft';
const record = '/run/berth/loaded/berth-firewall.rules';
const own = 'inet berth';

/** The table in the kernel is the one that the service has loaded: nobody added a rule by hand or flushed it. */
export function firewallRules(unit: string, ports: string[]): Resource<FirewallState> {
  return {
    id: 'rules of the firewall',
    async check(host) {
      if (!(await host.stat(nft))) return { live: null, loaded: null, rivals: [] };
      const [ruleset, loaded] = await Promise.all([
        host.must([nft, '--stateless', '--terse', 'list', 'ruleset']),
        host.read(record),
      ]);
      const tables = tablesOf(ruleset);
      const rivals = [...tables].filter(([name, text]) => name !== own && dropsInput(name, text));
      return { live: tables.get(own) ?? null, loaded, rivals: rivals.map(([name]) => name) };
    },
    plan: ({ live, loaded }) =>
      live === loaded
        ? []
        : [{ do: 'run', summary: 'load the firewall again', argv: ['systemctl', 'reload', unit] }],
    // The service takes the table along.
    inverse: () => ({}),
    notices: ({ rivals }) =>
      rivals.length === 0
        ? []
        : [
            `firewall: ${rivals.join(', ')} of nftables, not Berth's, drops what comes in too (ufw, say): ` +
              `${ports.join(', ')} must be open there as well`,
          ],
  };
}

/** `nft list ruleset`, taken apart: `inet berth` → the text of that table. */
export function tablesOf(ruleset: string): Map<string, string> {
  const tables = ruleset.matchAll(/^table (\S+ \S+) \{\n[\s\S]*?^\}\n/gm);
  return new Map([...tables].map(([text, name = '']) => [name, text]));
}

/** By its policy, as ufw and iptables do; firewalld's chains accept, and its last rule rejects. */
function dropsInput(name: string, text: string): boolean {
  return name.endsWith(' firewalld') || /^\t\ttype filter hook input [^\n]*policy drop;/m.test(text);
}
