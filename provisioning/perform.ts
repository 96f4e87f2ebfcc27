import { randomBytes } from 'node:crypto';
import { admit } from './broker/admit.ts';
import { makeCertificate } from './certificate.ts';
import type { Change, WriteChange } from './change.ts';
import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { keepOriginal } from './originals.ts';
import { standing } from './releases/stores.ts';

export type Performer = {
  host: Host;
  /** Told each line that a running program prints. */
  progress: (text: string) => void;
  /** Makes a new release of an application from its live one. */
  release: (app: string, reason: string) => Promise<unknown>;
  start: (app: string, number: number) => Promise<void>;
};

/** Makes one change on the machine. */
export async function perform({ host, progress, release, start }: Performer, change: Change): Promise<void> {
  switch (change.do) {
    case 'write':
      return write(host, change);
    case 'mkdir':
      return host.mkdir(change.path, change);
    case 'attributes':
      return host.setAttributes(change.path, change);
    case 'link':
      return host.link(change.path, change.target);
    case 'remove':
      if (change.keepsOriginal) await keepOriginal(host, change.path);
      return host.remove(change.path);
    case 'certificate':
      return makeCertificate(host, change.path, change.request);
    case 'release':
      await release(change.app, change.reason);
      return;
    case 'admit':
      return admit(host, change.app, (await host.read(standing(change.app, 'env'))) ?? '');
    case 'start':
      return start(change.app, change.number);
    case 'run': {
      const { argv, mayFail, ...options } = change;
      await (mayFail ? host.run : host.must)(argv, { ...options, onLine: progress });
    }
  }
}

async function write(host: Host, change: WriteChange): Promise<void> {
  if (change.proof) await prove(host, change.proof, change);
  if (change.keepsOriginal) await keepOriginal(host, change.path);
  if (!change.proofInPlace) return host.write(change.path, change.content, change);
  const sound = (await host.run(change.proofInPlace)).code === 0;
  const before = await host.stat(change.path);
  await host.write(change.path, change.content, change);
  const proof = await host.run(change.proofInPlace);
  // A configuration that was broken before may need more than this file; the service proves it whole at its end.
  if (proof.code === 0 || !sound) return;
  if (before?.type === 'file' && change.before !== null) await host.write(change.path, change.before, before);
  else await host.remove(change.path);
  throw refused(change, proof.stderr);
}

async function prove(host: Host, proof: readonly string[], change: WriteChange): Promise<void> {
  const trial = `/run/berth/proof.${randomBytes(6).toString('hex')}`;
  await host.write(trial, change.content, { mode: 0o600, owner: 'root', group: 'root' });
  try {
    const { code, stdout, stderr } = await host.run(proof.map((word) => (word === '{}' ? trial : word)));
    if (code !== 0) throw refused(change, stdout + stderr);
  } finally {
    await host.remove(trial);
  }
}

function refused(change: WriteChange, says: string): BerthError {
  return new BerthError(
    'configuration_refused',
    `${change.path} was not changed, its program refuses the new content:\n${says.trim()}`,
    'correct the setting that it names in the hosts file',
  );
}
