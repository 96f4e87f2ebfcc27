import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { run } from '../scripts/process.ts';

/** What invoke-rc.d and deb-systemd-invoke ask before they start a service of a package (101: it must not be). */
const policy = '/usr/sbin/policy-rc.d';

/**
 * Has packages installed without a RabbitMQ that runs on this computer, then or after a boot: Debian's would listen on every
 * address with a user whom everybody knows, and the tests start their own. A policy that is there stays as it is.
 */
export async function withoutBroker(install: () => Promise<void>): Promise<void> {
  const ours = !existsSync(policy);
  const script = '#!/bin/sh\ncase $1 in rabbitmq-server* | epmd*) exit 101 ;; esac\n';
  if (ours) writeFileSync(policy, script, { mode: 0o755 });
  try {
    await install();
  } finally {
    if (ours) rmSync(policy);
  }
  await run(['update-rc.d', 'rabbitmq-server', 'disable']);
  if (existsSync('/run/systemd/system')) await run(['systemctl', 'disable', 'epmd.socket', 'epmd.service']);
}
