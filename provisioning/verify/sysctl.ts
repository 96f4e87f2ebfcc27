import type { Check, Finding, Subject } from './finding.ts';
import { judge, skip } from './finding.ts';

type Key = [name: string, wanted: RegExp, section: string];

/** Of the network name space, which a container has of its own. */
const network: Key[] = [
  ['net.ipv4.conf.all.accept_redirects', /^0$/, '3.3.5'],
  ['net.ipv4.conf.default.accept_redirects', /^0$/, '3.3.5'],
  ['net.ipv4.conf.all.secure_redirects', /^0$/, '3.3.6'],
  ['net.ipv4.conf.all.send_redirects', /^0$/, '3.3.2'],
  ['net.ipv4.conf.default.send_redirects', /^0$/, '3.3.2'],
  ['net.ipv4.conf.all.accept_source_route', /^0$/, '3.3.8'],
  ['net.ipv4.conf.all.rp_filter', /^[12]$/, '3.3.7'],
  ['net.ipv4.conf.all.log_martians', /^1$/, '3.3.9'],
  ['net.ipv4.icmp_echo_ignore_broadcasts', /^1$/, '3.3.4'],
  ['net.ipv4.icmp_ignore_bogus_error_responses', /^1$/, '3.3.3'],
  ['net.ipv4.tcp_syncookies', /^1$/, '3.3.10'],
  ['net.ipv6.conf.all.accept_redirects', /^0$/, '3.3.5'],
  ['net.ipv6.conf.default.accept_redirects', /^0$/, '3.3.5'],
  ['net.ipv6.conf.all.accept_source_route', /^0$/, '3.3.8'],
];

const kernel: Key[] = [
  ['kernel.randomize_va_space', /^2$/, '1.5.1'],
  ['kernel.yama.ptrace_scope', /^[123]$/, '1.5.2'],
  ['fs.suid_dumpable', /^0$/, '1.5.3'],
  ['kernel.kptr_restrict', /^[12]$/, '1.5'],
  ['kernel.dmesg_restrict', /^1$/, '1.5'],
  ['kernel.kexec_load_disabled', /^1$/, '1.5'],
  ['kernel.perf_event_paranoid', /^[23]$/, '1.5'],
  ['kernel.sysrq', /^0$/, '1.5'],
  ['net.core.bpf_jit_harden', /^[12]$/, '1.5'],
  ['kernel.unprivileged_bpf_disabled', /^[12]$/, '1.5'],
  ['fs.protected_hardlinks', /^1$/, '1.5'],
  ['fs.protected_symlinks', /^1$/, '1.5'],
  ['fs.protected_fifos', /^[12]$/, '1.5'],
  ['fs.protected_regular', /^[12]$/, '1.5'],
];

/** Values in the running kernel, not in the files of /etc/sysctl.d. */
export const sysctl: Check = { id: 'sysctl', run };

async function run(subject: Subject): Promise<Finding[]> {
  const container = await subject.host.facts.container();
  const rule = (what: string, title: string, keys: Key[]) => ({
    id: `sysctl.${what}`,
    title,
    fix: 'berth apply; another file of /etc/sysctl.d may come later',
    reference: `CIS Debian 12 ${[...new Set(keys.map(([, , section]) => section))].sort().join(', ')}`,
  });
  const ofKernel = rule('kernel', 'the kernel guards its memory and its files', kernel);
  return [
    await compare(
      subject,
      rule('network', 'the network takes no redirects and no foreign routes', network),
      network,
    ),
    container
      ? skip(ofKernel, 'a container has its host’s kernel')
      : await compare(subject, ofKernel, kernel),
  ];
}

async function compare({ host }: Subject, rule: Parameters<typeof judge>[0], keys: Key[]): Promise<Finding> {
  const values = await Promise.all(
    keys.map(
      async (key) => [key, (await host.read(`/proc/sys/${key[0].replaceAll('.', '/')}`))?.trim()] as const,
    ),
  );
  const wrong = values.filter(([[, wanted], value]) => value !== undefined && !wanted.test(value));
  // A key that this kernel lacks has nothing to guard, such as IPv6 where that is off.
  const seen = values.filter(([, value]) => value !== undefined).length;
  return judge(
    rule,
    wrong.map(([[name], value]) => `${name} = ${value}`),
    `${seen} keys`,
  );
}
