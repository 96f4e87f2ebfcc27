import { join } from 'node:path';
import { containerMachine } from '../machines/container.ts';
import type { Reach } from '../machines/machine.ts';
import { runChecked } from '../process.ts';
import { quietReport } from '../report.ts';
import { bringPython, play } from './play.ts';

/**
 * A converged `berth apply` beside a converged `ansible-playbook` of `ansible/site.yml`, in turns in one run: both with
 * nothing to do, each on a container machine of its own. Run it as `node scripts/bench/ansible.ts`, with the Node of
 * the lock file, after `./scripts/up` of a container machine (`BERTH_HOST`, else local). It wants Debian's `ansible`;
 * `MITOGEN=<checkout of Mitogen>` measures that too. Ansible has ControlMaster and pipelining.
 */
const root = join(import.meta.dirname, '../..');
const rounds = Number(process.env.BERTH_ROUNDS ?? 5);
const report = quietReport(console.error);

type Way = { name: string; run(): Promise<void>; seconds: number[] };

const machine = containerMachine({
  name: 'bench-ansible',
  stateDirectory: join(root, '.berth'),
  image: 'debian-13',
  network: process.env.BERTH_NETWORK ?? '10.77.0.0/24',
});

try {
  await machine.create(report);
  const reach = await machine.reach();
  await bring(reach);
  const ways = waysTo(reach);
  for (let round = 0; round < rounds; round += 1) for (const way of ways) await way.run();
  show(ways);
} finally {
  await machine.destroy(report);
}

function waysTo(reach: Reach): Way[] {
  const mitogen = process.env.MITOGEN;
  const strategy = {
    ANSIBLE_STRATEGY_PLUGINS: `${mitogen}/ansible_mitogen/plugins/strategy`,
    ANSIBLE_STRATEGY: 'mitogen_linear',
    PYTHONPATH: mitogen ?? '',
  };
  return [
    timed('berth apply', berth),
    timed('ansible-playbook', () => playbook(reach, {})),
    ...(mitogen ? [timed('ansible-playbook, Mitogen', () => playbook(reach, strategy))] : []),
  ];
}

function timed(name: string, work: () => Promise<void>): Way {
  const seconds: number[] = [];
  const way: Way = {
    name,
    seconds,
    async run() {
      const began = performance.now();
      await work();
      way.seconds.push((performance.now() - began) / 1000);
    },
  };
  return way;
}

async function apply(): Promise<string> {
  const { stdout, stderr } = await runChecked([process.execPath, join(root, 'scripts/berth.ts'), 'apply']);
  return stdout + stderr;
}

async function berth(): Promise<void> {
  requireNothingChanged(/0 added, 0 changed, 0 removed/, await apply());
}

/** The first runs, whose changes are not measured. */
async function bring(reach: Reach): Promise<void> {
  await bringPython(reach);
  await play(reach, 'site.yml');
  await apply();
}

async function playbook(reach: Reach, env: Record<string, string>): Promise<void> {
  requireNothingChanged(/changed=0 .*failed=0/, await play(reach, 'site.yml', env));
}

function requireNothingChanged(expected: RegExp, said: string): void {
  if (!expected.test(said)) throw new Error(`this run was to change nothing:\n${said}`);
}

function show(ways: Way[]): void {
  const medianOf = ({ seconds }: Way) =>
    seconds.toSorted((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Number.NaN;
  const [first] = ways;
  for (const way of ways) {
    const times = medianOf(way) / medianOf(first as Way);
    console.log(
      `${way.name.padEnd(28)} median ${medianOf(way).toFixed(2)} s  ${times.toFixed(1)} times berth's`,
    );
  }
}
