import type { Check, Finding, Rule, Subject } from './finding.ts';
import { judge, skip } from './finding.ts';

type Key = [name: string, wanted: RegExp];

/** Of the network name space, which a container has of its own. */
const network: Key[] = [
  ['net.ipv4.conf.all.accept_redirects', /^0$/],
  ['net.ipv4.conf.default.accept_redirects', /^0$/],
  ['net.ipv4.conf.all.secure_redirects', /^0$/],
  ['net.ipv4.conf.all.send_redirects', /^0$/],
  ['net.ipv4.conf.default.send_redirects', /^0$/],
  ['net.ipv4.conf.all.accept_source_route', /^0$/],
  ['net.ipv4.conf.all.rp_filter', /^[12]$/],
  ['net.ipv4.conf.all.log_martians', /^1$/],
  ['net.ipv4.icmp_echo_ignore_broadcasts', /^1$/],
  ['net.ipv4.icmp_ignore_bogus_error_responses', /^1$/],
  ['net.ipv4.tcp_syncookies', /^1$/],
  ['net.ipv6.conf.all.accept_redirects', /^0$/],
  ['net.ipv6.conf.default.accept_redirects', /^0$/],
  ['net.ipv6.conf.all.accept_source_route', /^0$/],
];

const kernel: Key[] = [
  ['kernel.randomize_va_space', /^2$/],
  ['kernel.yama.ptrace_scope', /^[123]$/],
  ['fs.suid_dumpable', /^0$/],
  ['kernel.kptr_restrict', /^[12]$/],
  ['kernel.dmesg_restrict', /^1$/],
  ['kernel.kexec_load_disabled', /^1$/],
  ['kernel.perf_event_paranoid', /^[23]$/],
  ['kernel.sysrq', /^0$/],
  ['net.core.bpf_jit_harden', /^[12]$/],
  ['kernel.unprivileged_bpf_disabled', /^[12]$/],
  ['fs.protected_hardlinks', /^1$/],
  ['fs.protected_symlinks', /^1$/],
  ['fs.protected_fifos', /^[12]$/],
  ['fs.protected_regular', /^[12]$/],
];

/** Values in the running kernel, not in the files of /etc/sysctl.d. */
export const sysctl: Check = { id: 'sysctl', run };

async function run(subject: Subject): Promise<Finding[]> {
  const container = await subject.host.facts.container();
  const ofKernel = rule('kernel', 'the kernel guards its memory and its files', 'CIS Debian 12 1.5');
  return [
    await compare(
      subject,
      rule('network', 'the network takes no redirects and no foreign routes', 'CIS Debian 12 3.3'),
      network,
    ),
    container
      ? skip(ofKernel, 'a container has its host’s kernel')
      : await compare(subject, ofKernel, kernel),
  ];
}

function rule(what: string, title: string, reference: string): Rule {
  const fix = 'berth apply; another file of /etc/sysctl.d may come later';
  return { id: `sysctl.${what}`, title, fix, reference };
}

async function compare({ host }: Subject, rule: Rule, keys: Key[]): Promise<Finding> {
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
