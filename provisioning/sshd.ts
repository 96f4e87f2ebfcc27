import type { Platform } from './platform.ts';
import { file } from './resources/file.ts';
import { type Resource, type Risk, risky, staying } from './resources/resource.ts';
import { service } from './resources/service.ts';
import { hostKey, includes, socketPort } from './resources/ssh.ts';
import type { Settings } from './settings.ts';
import { render } from './template.ts';

export const sshdService = 'ssh.service';

const main = '/etc/ssh/sshd_config';
const dropIns = '/etc/ssh/sshd_config.d';

/** By name, since `sshd_config.d` is read in that order and the first value of a setting wins. */
export const sshdDropIn = `${dropIns}/00-berth.conf`;

/** sshd as it shall be; what it does not say of users stays the distribution's. */
export function sshd(settings: Settings, platform: Platform): Resource[] {
  const { port } = settings.ssh;
  const content = sshdConfiguration(settings, platform);
  const proof = ['sshd', '-t'];
  const risk: Risk = { paths: [main, sshdDropIn], restore: restoreOf(platform) };
  const configuration = { [sshdDropIn]: content };
  return [
    ...staying('the host key', [hostKey('/etc/ssh/ssh_host_ed25519_key')]),
    ...[
      includes({ path: main, dropIns, ours: sshdDropIn, proofInPlace: proof }),
      file({ path: sshdDropIn, content, mode: 0o600, proofInPlace: proof }),
      service(sshdService, {
        ...{ configuration, onChange: 'reload', enabled: false, proof },
        ...(platform.sshSocket && { socket: 'ssh.socket' }),
      }),
      ...(platform.sshSocket ? [socketPort(port)] : []),
    ].map((resource) => risky(risk, resource)),
  ];
}

/** The text of the drop-in. */
export function sshdConfiguration({ ssh, nginx }: Settings, platform: Platform): string {
  const { port, vagrant } = ssh;
  const kex = [...keyExchanges(platform), ...(vagrant ? [netSsh] : [])].join(',');
  const text = render('provisioning/files/sshd.conf', { port, kex });
  return vagrant ? text + forwards(vagrant, nginx) : text;
}

/** The hybrid ones withstand a recording that is broken years later; OpenSSH 10 warns of a server without. */
function keyExchanges({ openssh }: Platform): string[] {
  const hybrid = ['sntrup761x25519-sha512@openssh.com'];
  if (openssh >= 9.9) hybrid.unshift('mlkem768x25519-sha256');
  return [...hybrid, 'curve25519-sha256', 'curve25519-sha256@libssh.org'];
}

/**
 * The one of those that Vagrant's SSH library (net-ssh, without the gem x25519) knows which ssh-audit lets pass. Last of
 * all: OpenSSH never comes to it.
 */
const netSsh = 'diffie-hellman-group-exchange-sha256';

/** vagrant-libvirt forwards ports through sshd. */
function forwards(user: string, { httpPort, httpsPort }: Settings['nginx']): string {
  return render('provisioning/files/sshd-vagrant.conf', { user, httpPort, httpsPort });
}

/** Sessions go on: systemd stops the listening process alone. */
function restoreOf({ sshSocket }: Platform): string[][] {
  const again = [
    ['systemctl', 'reset-failed', sshdService],
    ['systemctl', 'reload-or-restart', sshdService],
  ];
  return sshSocket
    ? [
        ['systemctl', 'stop', sshdService],
        ['systemctl', 'restart', 'ssh.socket'],
      ]
    : again;
}
