import type { Range } from './range.ts';

/** A table of our own for one bridge; nothing else on this computer is in it, and we touch no other. */
export function tableOf(bridge: string): string {
  return bridge.replaceAll('-', '_');
}

/** Makes the table anew in one transaction, whatever it held. */
export function ruleset(bridge: string, range: Range): string {
  const table = tableOf(bridge);
  return `table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain outbound {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${range.text} oifname != "${bridge}" masquerade
  }
  chain clamp {
    type filter hook forward priority mangle; policy accept;
    iifname "${bridge}" tcp flags & (syn|rst) == syn tcp option maxseg size set rt mtu
    oifname "${bridge}" tcp flags & (syn|rst) == syn tcp option maxseg size set rt mtu
  }
}
`;
}
