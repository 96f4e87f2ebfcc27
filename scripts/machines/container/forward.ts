import { BerthError } from '../../../provisioning/errors.ts';
import { run, runChecked } from '../../process.ts';

/** `nft -j`: what we read of it. */
export type NftItem = {
  chain?: { family: string; table: string; name: string; hook?: string; policy?: string };
  rule?: { family: string; table: string; chain: string; handle: number; comment?: string };
};

/** The chain that Docker never touches and promises to ask first. */
const dockerUser = { family: 'ip', table: 'filter', name: 'DOCKER-USER' };

/**
 * Whether the computer's own firewall lets a bridge's packets through: where another chain drops what is forwarded
 * that is final, whatever ours says. Docker has a chain for rules like ours; anybody else's table is left alone.
 * Throws BerthError `forward_blocked`.
 */
export async function assertForward(bridge: string): Promise<void> {
  const items = await list(['list', 'chains']);
  const closed = items.find(dropsForwarded)?.chain;
  if (closed === undefined || items.some(isDockerUser)) return;
  const { family, table, name } = closed;
  // Somebody has thought of the bridge: it is up to those rules.
  if ((await runChecked(['nft', 'list', 'table', family, table])).stdout.includes(bridge)) return;
  throw new BerthError(
    'forward_blocked',
    `the firewall of this computer drops what it forwards (chain ${name} of the table ${family} ${table}), so a machine could reach nothing`,
    `let the bridge ${bridge} through; with ufw: ufw route allow in on ${bridge} && ufw route allow out on ${bridge}`,
  );
}

/** Lets the bridge through where Docker's firewall would drop its packets. */
export async function openForward(bridge: string): Promise<void> {
  const items = await list(['list', 'chains']);
  if (!items.some(isDockerUser)) return;
  await closeForward(bridge);
  const { family, table, name } = dockerUser;
  const rules = ['iifname', 'oifname'].map(
    (side) => `insert rule ${family} ${table} ${name} ${side} "${bridge}" accept comment "${bridge}"\n`,
  );
  await runChecked(['nft', '-f', '-'], { input: rules.join('') });
}

/** Removes the rules that `openForward` added. */
export async function closeForward(bridge: string): Promise<void> {
  const { family, table, name } = dockerUser;
  const listed = await run(['nft', '-j', '-a', 'list', 'chain', family, table, name]);
  if (listed.code !== 0) return;
  for (const handle of handlesOf(bridge, parse(listed.stdout))) {
    await run(['nft', 'delete', 'rule', family, table, name, 'handle', String(handle)]);
  }
}

export function dropsForwarded({ chain }: NftItem): boolean {
  return chain?.hook === 'forward' && chain.policy === 'drop' && ['ip', 'inet'].includes(chain.family);
}

export function handlesOf(bridge: string, items: NftItem[]): number[] {
  return items.flatMap(({ rule }) => (rule?.comment === bridge ? [rule.handle] : []));
}

function isDockerUser({ chain }: NftItem): boolean {
  const { family, table, name } = dockerUser;
  return chain?.family === family && chain.table === table && chain.name === name;
}

async function list(args: string[]): Promise<NftItem[]> {
  return parse((await runChecked(['nft', '-j', ...args])).stdout);
}

function parse(text: string): NftItem[] {
  return JSON.parse(text).nftables;
}
