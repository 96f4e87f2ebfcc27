import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { installPackages, requiredPackages } from '../scripts/machines/container.ts';
import { quietReport } from '../scripts/report.ts';
import { withoutBroker } from './unstarted.ts';

/**
 * Runs every part of the tests and closes with `N passed, N failed, N skipped`. What this computer cannot run is
 * skipped by name. Parts of one stage run side by side; each line says which part it is of.
 */
type Part = { name: string; argv: string[] };
type Stage = Part[];
type Counts = { passed: number; failed: number; skipped: number };
type Outcome = Counts & { name: string; failures: string[] };

const flag = { type: 'boolean', default: false } as const;
const { values } = parseArgs({ options: { quick: flag, power: flag, qemu: flag, vagrant: flag } });
/** Of one stage, at most. They wait more than they work: two processors are enough for three. */
const sideBySide = 3;
const bin = (name: string) => join('node_modules/.bin', name);
const scratch = mkdtempSync(join(tmpdir(), 'berth-test-'));

function mocha(name: string, patterns: string[]): Part {
  const files = patterns.flatMap((pattern) => globSync(pattern)).sort();
  return { name, argv: [bin('mocha'), '--reporter', 'test/reporter.ts', ...files] };
}

const quick: Stage[] = [
  [
    { name: 'types', argv: ['npm', 'run', '--silent', 'types'] },
    { name: 'lint', argv: [bin('biome'), 'check', '--error-on-warnings', '.'] },
  ],
  [mocha('unit', ['{api,provisioning,scripts}/**/*.test.ts', '{test,web}/*.test.ts'])],
];

const machines: Stage[] = [
  // Alone: it looks at what is left on the whole computer.
  [mocha('new-user', ['test/e2e/new-user.test.ts'])],
  // Alone: their load is measured.
  [mocha('releases', ['test/e2e/releases.test.ts'])],
  [mocha('kills', ['test/e2e/kills.test.ts'])],
  [mocha('tasks', ['test/e2e/tasks.test.ts'])],
  [mocha('safety', ['test/e2e/safety.test.ts'])],
  // The longest first, so that the last to end have begun early.
  [
    mocha('lock-out', ['test/e2e/lockout.test.ts']),
    mocha('words', ['test/e2e/words.test.ts']),
    mocha('applications', ['test/e2e/apps.test.ts']),
    mocha('vps', ['test/e2e/vps.test.ts']),
    mocha('git push', ['test/e2e/push.test.ts']),
    mocha('backups', ['test/e2e/backups.test.ts']),
    mocha('certificates', ['test/e2e/certificates.test.ts']),
    mocha('verify', ['test/e2e/verify.test.ts']),
    mocha('firewall', ['test/e2e/firewall.test.ts']),
    mocha('running', ['test/e2e/running.test.ts']),
    mocha('interrupted', ['test/e2e/interrupt.test.ts']),
    mocha('plan', ['test/e2e/plan.test.ts']),
    mocha('hardened', ['test/e2e/hardened.test.ts']),
    mocha('proxy', ['test/e2e/proxy.test.ts']),
    mocha('queue', ['test/e2e/queue.test.ts']),
    mocha('network cut', ['test/e2e/network-cut.test.ts']),
  ],
  // Alone: Chromium breaks off what it connects for when a network interface comes or goes, as with each machine.
  [mocha('pages', ['test/e2e/pages.test.ts'])],
  // Alone, as the first.
  [mocha('containers', ['test/machines/*.test.ts'])],
];

/** Opt-in, on emulated machines: `--power` loses its power, `--qemu` is a bare VPS, `--vagrant` is made by Vagrant. */
const emulated: Stage[] = [
  ...(values.power ? [[mocha('power', ['test/qemu/power.test.ts'])]] : []),
  ...(values.qemu ? [[mocha('qemu', ['test/qemu/vps.test.ts'])]] : []),
  ...(values.vagrant ? [[mocha('vagrant', ['test/vagrant/vagrant.test.ts'])]] : []),
];

/** Begins the next part as soon as one has ended. */
async function runStage(parts: Stage): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...parts];
  const lane = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) outcomes.push(await runPart(part));
  };
  await Promise.all(Array.from({ length: sideBySide }, lane));
  return outcomes;
}

async function runPart({ name, argv }: Part): Promise<Outcome> {
  const countsFile = join(scratch, name);
  writeFileSync(countsFile, '');
  const began = performance.now();
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BERTH_TEST_COUNTS: countsFile },
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => console.log(`[${name}] ${line}`));
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.on('close', (exitCode) => resolve(exitCode ?? 1));
    child.on('error', reject);
  });
  const { failures, ...counts } = outcomeOf(readFileSync(countsFile, 'utf8'), code);
  console.log(`[${name}] ${JSON.stringify(counts)} in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return { name, failures, ...counts };
}

/** A part that counts nothing itself, or that died before or after it could, is one test. */
function outcomeOf(written: string, code: number): Omit<Outcome, 'name'> {
  const counted = written === '' ? null : (JSON.parse(written) as Omit<Outcome, 'name'>);
  if (counted !== null && (code === 0 || counted.failed > 0)) return counted;
  const failures = code === 0 ? [] : [`ended with exit code ${code}`];
  const passed = counted?.passed ?? (code === 0 ? 1 : 0);
  return { passed, failed: failures.length, skipped: counted?.skipped ?? 0, failures };
}

function canMakeMachines(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

/** An administrator's program, for the tests of tasks without a machine. */
const broker = 'rabbitmq-server';

/** What the tests of machines call besides what a machine itself needs: program → Debian package. */
const programs = {
  ...{ curl: 'curl', openssl: 'openssl', ps: 'procps', git: 'git', xmllint: 'libxml2-utils', nmap: 'nmap' },
  ...{ pebble: 'pebble', chromium: 'chromium', [broker]: broker },
  ...(values.power || values.qemu || values.vagrant
    ? { 'qemu-system-x86_64': 'qemu-system-x86', 'mkfs.ext4': 'e2fsprogs' }
    : {}),
  ...(values.vagrant
    ? {
        ...{ vagrant: 'vagrant-libvirt', libvirtd: 'libvirt-daemon-system', virsh: 'libvirt-clients' },
        ...{ 'qemu-img': 'qemu-utils', dnsmasq: 'dnsmasq-base' },
      }
    : {}),
};

async function installMissing(): Promise<void> {
  const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  const there = (program: string) => directories.some((directory) => existsSync(join(directory, program)));
  const others = Object.entries(programs).flatMap(([program, name]) => (there(program) ? [] : [name]));
  const missing = [...requiredPackages(), ...others];
  if (missing.length === 0) return;
  console.log(`this computer lacks ${missing.join(', ')}: installing with apt-get`);
  const install = () => installPackages(missing, [], quietReport(console.log));
  await (missing.includes(broker) ? withoutBroker(install) : install());
}

const failures: string[] = [];
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
if (!values.quick && canMakeMachines()) await installMissing();
const chosen: Stage[] = emulated.length > 0 ? emulated : [...quick, ...(canMakeMachines() ? machines : [])];
for (const stage of values.quick ? quick : chosen) {
  for (const outcome of await runStage(stage)) {
    total.passed += outcome.passed;
    total.failed += outcome.failed;
    total.skipped += outcome.skipped;
    failures.push(...outcome.failures.map((failure) => `[${outcome.name}] ${failure}`));
  }
}
if (!values.quick && !canMakeMachines()) {
  for (const { name } of machines.flat()) {
    console.log(`skipped: ${name} (needs Linux and root)`);
    total.skipped += 1;
  }
}
rmSync(scratch, { recursive: true });
// Again, where a log that was cut short still has them.
for (const failure of failures) console.log(`\nfailed: ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
