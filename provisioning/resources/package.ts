import { join } from 'node:path';
import type { Change } from '../change.ts';
import type { Resource } from './resource.ts';

type PackagesState = {
  /** Name → dpkg's state. */
  known: Map<string, string>;
  /** dpkg was stopped half way and wants `dpkg --configure -a` before anything else. */
  interrupted: boolean;
};

const installed = new Set(['install ok installed', 'hold ok installed']);
const halfDone = /^\S+ \S+ (unpacked|half-configured|half-installed|triggers-awaited|triggers-pending)$/;

const apt = ['apt-get', '-q', '-y', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Options::=--force-confold'];
const minutes = 60_000;
const dpkgScript = join(import.meta.dirname, '../dpkg.sh');

/** Tried again while somebody else holds a lock that the program itself does not wait for. */
const patiently = (...argv: string[]) => ['sh', '-euc', '. "$0"; patiently "$@"', dpkgScript, ...argv];

/**
 * Debian packages, without what they only recommend. A dpkg that was killed half way is mended first. Of those in
 * `oneOf` the first is installed where none of them is: they exclude one another.
 */
export function packages(names: string[], oneOf: string[]): Resource<PackagesState> {
  return {
    id: 'packages',
    async check(host) {
      const [known, updates] = await Promise.all([host.facts.packages(), host.list('/var/lib/dpkg/updates')]);
      const interrupted = updates.length > 0 || [...known.values()].some((state) => halfDone.test(state));
      return { known, interrupted };
    },
    plan({ known, interrupted }) {
      const lacks = (name: string) => !installed.has(known.get(name) ?? '');
      const missing = [...names.filter(lacks), ...(oneOf.every(lacks) ? oneOf.slice(0, 1) : [])];
      const repair: Change[] = interrupted
        ? [
            run('finish what dpkg was stopped in', patiently('dpkg', '--force-confold', '--configure', '-a')),
            run('mend what it left unmet', [...apt, '-f', 'install']),
          ]
        : [];
      if (missing.length === 0) return repair;
      return [
        ...repair,
        run('read the package lists', patiently(...apt, 'update')),
        { ...run('install', [...apt, 'install', '--no-install-recommends', ...missing]), action: 'add' },
      ];
    },
    inverse: () => ({ stays: `the packages ${[...names, ...oneOf.slice(0, 1)].join(' ')}` }),
  };
}

function run(summary: string, argv: string[]): Change & { do: 'run' } {
  return { do: 'run', summary, argv, timeoutMs: 30 * minutes, env: { NEEDRESTART_SUSPEND: '1' } };
}
