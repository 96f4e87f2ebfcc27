import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChecked } from '../../process.ts';
import { writeAtomic } from '../atomic.ts';
import { assertForward, closeForward, openForward } from './forward.ts';
import { chooseAddress, readLeases, removeLease, writeLease } from './leases.ts';
import { withLock } from './lock.ts';
import { ruleset, tableOf } from './nftables.ts';
import type { Place } from './place.ts';
import { bridgeOf, gatewayOf, parseRange, type Range } from './range.ts';
import { assertRangeFree, outerInterface } from './routes.ts';
import { networkLock, runtimeDirectory } from './runtime.ts';

/** What a machine knows of the network it is on. */
export type Connection = { address: string; gateway: string; prefix: number; mtu: number; bridge: string };

const forwardSwitch = '/proc/sys/net/ipv4/ip_forward';
/** What the switch was before the first of our bridges. */
const forwardBefore = join(runtimeDirectory, 'ip_forward');

/** Throws BerthError `network_taken`, `forward_blocked`. */
export async function assertNetwork(range: Range): Promise<void> {
  const bridge = bridgeOf(range);
  await assertRangeFree(range, bridge);
  await assertForward(bridge);
}

/**
 * Gives the machine its address and makes the bridge that all machines of the range share. Idempotent.
 * Throws BerthError `network_taken`, `network_full`, `forward_blocked`.
 */
export function joinNetwork(place: Place, range: Range, before?: string): Promise<Connection> {
  return withLock(networkLock, async () => {
    const bridge = bridgeOf(range);
    await assertNetwork(range);
    const address = chooseAddress(readLeases(), range, place.id, before);
    // First of all, so that whatever follows is found and taken away even if we are killed in the middle of it.
    writeLease({ address, range: range.text, id: place.id, directory: place.directory, up: true });
    const mtu = mtuOf(await outerInterface());
    await makeBridge(bridge, range, mtu);
    await runChecked(['nft', '-f', '-'], { input: ruleset(bridge, range) });
    await openForward(bridge);
    turnForwardingOn();
    return { address, gateway: gatewayOf(range), prefix: range.prefix, mtu, bridge };
  });
}

/**
 * Says that the machine needs the network no more; the last one takes the bridge along. `forget` gives its address
 * back too. Also completes a departure that was cut short.
 */
export function leaveNetwork(place: Place, range: Range, { forget }: { forget: boolean }): Promise<void> {
  return withLock(networkLock, async () => {
    const own = readLeases().filter(({ id }) => id === place.id);
    for (const lease of own) {
      if (forget) removeLease(lease);
      else writeLease({ ...lease, up: false });
    }
    const needed = readLeases().filter(({ up }) => up);
    for (const text of new Set([range.text, ...own.map((lease) => lease.range)])) {
      if (!needed.some((lease) => lease.range === text)) await removeBridge(bridgeOf(parseRange(text)));
    }
    if (needed.length === 0) restoreForwarding();
  });
}

async function makeBridge(bridge: string, range: Range, mtu: number): Promise<void> {
  // Its own: it would have that of its lowest port, and when that machine goes the others send to nobody for a while.
  const address = `02:62:${(bridge.slice(-8).match(/../g) ?? []).join(':')}`;
  if (!interfaceExists(bridge))
    await runChecked(['ip', 'link', 'add', bridge, 'address', address, 'type', 'bridge']);
  await runChecked(['ip', 'address', 'replace', `${gatewayOf(range)}/${range.prefix}`, 'dev', bridge]);
  await runChecked(['ip', 'link', 'set', bridge, 'mtu', String(mtu), 'up']);
}

async function removeBridge(bridge: string): Promise<void> {
  await closeForward(bridge);
  // Declared first: deleting a table that is not there is an error, and a check before it a race.
  const table = `table ip ${tableOf(bridge)}`;
  await runChecked(['nft', '-f', '-'], { input: `${table}\ndelete ${table}\n` });
  if (interfaceExists(bridge)) await runChecked(['ip', 'link', 'delete', bridge, 'type', 'bridge']);
}

function turnForwardingOn(): void {
  const now = readFileSync(forwardSwitch, 'utf8').trim();
  if (!existsSync(forwardBefore)) writeAtomic(forwardBefore, `${now}\n`, 0o644);
  // Writing it resets other switches of the kernel even where nothing changes.
  if (now !== '1') writeFileSync(forwardSwitch, '1\n');
}

function restoreForwarding(): void {
  if (!existsSync(forwardBefore)) return;
  const before = readFileSync(forwardBefore, 'utf8').trim();
  if (before !== readFileSync(forwardSwitch, 'utf8').trim()) writeFileSync(forwardSwitch, `${before}\n`);
  rmSync(forwardBefore);
}

function interfaceExists(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}

function mtuOf(outer: string | undefined): number {
  return outer === undefined ? 1500 : Number(readFileSync(`/sys/class/net/${outer}/mtu`, 'utf8'));
}
