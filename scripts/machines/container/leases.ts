import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '../../../provisioning/errors.ts';
import { writeAtomic } from '../atomic.ts';
import { processesOf } from './processes.ts';
import { machineAddresses, type Range } from './range.ts';
import { runtimeDirectory } from './runtime.ts';

/**
 * Who has which address on this computer, across checkouts: one file an address, read and written under the network's
 * lock. A machine keeps its lease while it is stopped; `up` says that it needs the bridge.
 */
export type Lease = { address: string; range: string; id: string; directory: string; up: boolean };

const directory = join(runtimeDirectory, 'leases');

/** The leases that stand. One whose machine was deleted by hand is dropped here. */
export function readLeases(): Lease[] {
  return listFiles().flatMap((name) => {
    const path = join(directory, name);
    const lease = readLease(path);
    if (lease !== undefined && (existsSync(lease.directory) || processesOf(lease.id).length > 0))
      return [lease];
    rmSync(path, { force: true });
    return [];
  });
}

/** The address that the machine had before where nobody else has it now, the lowest free one otherwise. */
export function chooseAddress(leases: Lease[], range: Range, id: string, before?: string): string {
  const others = new Set(leases.filter((lease) => lease.id !== id).map(({ address }) => address));
  const free = [...machineAddresses(range)].filter((address) => !others.has(address));
  const own = leases.find((lease) => lease.id === id)?.address;
  const chosen = [own, before].find((address) => address !== undefined && free.includes(address)) ?? free[0];
  if (chosen !== undefined) return chosen;
  throw new BerthError(
    'network_full',
    `every address of ${range.text} belongs to a machine`,
    'destroy a machine, or set another machine.network in provisioning/hosts/<name>.yml',
  );
}

/** Also ends every other lease of the machine: one that moved to another range has left the old one. */
export function writeLease(lease: Lease): void {
  for (const other of readLeases()) {
    if (other.id === lease.id && other.address !== lease.address) removeLease(other);
  }
  writeAtomic(fileOf(lease), `${JSON.stringify(lease)}\n`, 0o644);
}

export function removeLease(lease: Lease): void {
  rmSync(fileOf(lease), { force: true });
}

function fileOf({ address }: Lease): string {
  return join(directory, `${address}.json`);
}

function listFiles(): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Undefined for what is not a lease: the rest of a writer that was killed. */
function readLease(path: string): Lease | undefined {
  try {
    return path.endsWith('.json') ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
  } catch {
    return undefined;
  }
}
