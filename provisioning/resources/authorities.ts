import { createHash } from 'node:crypto';
import type { Change } from '../change.ts';
import { type FileState, planWrite, readFileState } from './file.ts';
import type { Resource } from './resource.ts';

type TrustState = {
  /** Path → what stands there, for the wanted ones and every other file of ours. */
  files: Record<string, FileState>;
  bundle: string | null;
};

const directory = '/usr/local/share/ca-certificates';
const bundlePath = '/etc/ssl/certs/ca-certificates.crt';

/** The certificate authorities, PEM, that the machine trusts besides its distribution's; no other of ours stays. */
export function trustedAuthorities(pems: string[]): Resource<TrustState> {
  const wanted = new Map(pems.map((pem) => [`${directory}/berth-${nameOf(pem)}.crt`, `${pem.trim()}\n`]));
  return {
    id: 'trusted authorities',
    async check(host) {
      const names = (await host.list(directory)).filter((name) => /^berth-.*\.crt$/.test(name));
      const paths = [...new Set([...wanted.keys(), ...names.map((name) => `${directory}/${name}`)])];
      const files = await Promise.all(
        paths.map(async (path) => [path, await readFileState(host, path)] as const),
      );
      return { files: Object.fromEntries(files), bundle: await host.read(bundlePath) };
    },
    plan({ files, bundle }) {
      const changes = Object.entries(files).flatMap(([path, { stat, content: before }]): Change[] => {
        const content = wanted.get(path);
        if (content === undefined) return [{ do: 'remove', path }];
        return planWrite(
          { do: 'write', path, content, mode: 0o644, owner: 'root', group: 'root', before },
          stat,
        );
      });
      const trusted = [...wanted.values()].every((pem) => bundle?.includes(pem.trim()));
      if (changes.length === 0 && trusted) return [];
      return [...changes, { do: 'run', argv: ['update-ca-certificates', '--fresh'] }];
    },
    inverse: () => ({ goal: trustedAuthorities([]) }),
  };
}

function nameOf(pem: string): string {
  return createHash('sha256').update(pem.trim()).digest('hex').slice(0, 12);
}
