import { getServers } from 'node:dns';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { BerthError } from '../errors.ts';
import type { Host } from '../host.ts';
import { proxyEnvironment } from '../proxy.ts';
import { availableMiB } from '../releases/room.ts';
import type { Settings } from '../settings.ts';
import { render } from '../template.ts';
import { confined } from './confined.ts';
import { guard } from './guard.ts';

/** Exit codes of `build.ts`. */
export const buildExit = { failed: 65, install: 66, noRegistry: 69 };

/** Where the sandbox finds `source.tar` and `manifests.json`; the rest of /srv is not there. */
export const inputDirectory = '/srv/build';

export type Build = {
  app: string;
  settings: Settings;
  what: 'layer' | 'source';
  /** The directory that holds the input. */
  input: string;
  /** The tar file to be written. */
  output: string;
  /** Told each line that the build prints. */
  onLine: (line: string) => void;
  stop: AbortSignal;
};

const maxSeconds = 900;
const maxMiB = 2048;
/** What the running applications keep of the memory that is available, and the least that a build can do with. */
const memory = { reserveMiB: 150, leastMiB: 256, mostMiB: 4096 };
const shownLines = 15;

/**
 * Runs `build.ts` in its sandbox and keeps what it writes.
 *
 * @throws BerthError `no_registry`, `packages_unavailable`, `build_failed`, `memory_short`, `disk_short`, `stopped`
 */
export async function build(host: Host, wanted: Build): Promise<void> {
  const { app, output, onLine, stop } = wanted;
  const unit = `berth-build-${app}.service`;
  const last: string[] = [];
  // Left by an earlier one that failed.
  await host.run(['systemctl', 'reset-failed', unit]);
  const argv = await sandboxed(host, unit, wanted);
  const guarded = guard(host, unit, stop);
  const said = (line: string) => {
    onLine(line);
    last.push(line);
    if (last.length > shownLines) last.shift();
  };
  const code = await confined(host, argv, { output, onLine: said }).finally(guarded.end);
  const result = (await host.run(['systemctl', 'show', '--property=Result', '--value', unit])).stdout.trim();
  await host.run(['systemctl', 'reset-failed', unit]);
  // It may have ended with 0 in the moment in which it was to be killed.
  const reason = guarded.reason();
  if (reason) throw reason;
  if (code === 0) return;
  throw failure(app, code, result, last.join('\n'));
}

async function sandboxed(host: Host, unit: string, { app, settings, what, input }: Build): Promise<string[]> {
  const memoryMiB = memoryFor(await availableMiB(host, settings));
  const conf = render('systemd/build.conf', { input, memoryMiB, maxMiB, maxSeconds });
  // Every application's: one must not learn of another's either.
  const hidden = Object.keys(settings.apps).flatMap((name) => [
    `-/etc/${name}`,
    `-/run/${name}`,
    `-/var/lib/${name}`,
  ]);
  const properties = [
    ...propertiesOf(conf),
    `InaccessiblePaths=${hidden.join(' ')}`,
    // Wherever names are resolved, be it on the machine itself.
    `IPAddressAllow=${resolvers().join(' ')}`,
    // Whatever ends the run ends the build.
    'BindsTo=berth-run.service',
    'After=berth-run.service',
  ];
  return [
    ...['systemd-run', '--quiet', '--pipe', '--wait', '--service-type=exec', `--unit=${unit}`],
    `--description=berth builds ${app}`,
    ...Object.entries(proxyEnvironment(settings.proxy)).map(([name, value]) => `--setenv=${name}=${value}`),
    ...properties.map((property) => `--property=${property}`),
    ...['--', process.execPath, join(import.meta.dirname, 'build.ts'), what, host.arch],
  ];
}

/** systemd-resolved, and what /etc/resolv.conf names, without the interface of a link-local address. */
function resolvers(): string[] {
  return ['127.0.0.53', ...getServers().filter((server) => isIP(server))].map((server) =>
    server.replace(/%.*/, ''),
  );
}

/** The settings of a template of `systemd/`, as systemd-run takes them. */
export function propertiesOf(conf: string): string[] {
  return conf.split('\n').filter((line) => /^\w+=/.test(line));
}

function memoryFor(available: number): number {
  const share = Math.min(memory.mostMiB, available - memory.reserveMiB);
  if (share >= memory.leastMiB) return share;
  throw new BerthError(
    'memory_short',
    `${available} MiB of memory are available, a build needs ${memory.leastMiB + memory.reserveMiB}`,
    'run berth deploy on your computer, which builds there',
  );
}

function failure(app: string, code: number, result: string, said: string): BerthError {
  if (code === buildExit.noRegistry) {
    return new BerthError(
      'no_registry',
      `this machine reaches no npm registry, so it cannot build ${app}`,
      'run berth deploy on your computer, which builds there and sends the result',
    );
  }
  if (code === buildExit.install) {
    return new BerthError(
      'packages_unavailable',
      `npm could not install the packages of package-lock.json:\n${said}`,
      'mend what it says, commit and push again',
    );
  }
  return new BerthError(
    'build_failed',
    `the build of ${app} ${causes[result] ?? 'failed'}:\n${said}`,
    'mend the build, commit and push again; nothing was changed',
  );
}

/** systemd's Result of a unit, where it says more than the exit code. */
const causes: Record<string, string> = {
  timeout: `was stopped after ${maxSeconds / 60} minutes`,
  'oom-kill': 'took more memory than there is for it',
};
