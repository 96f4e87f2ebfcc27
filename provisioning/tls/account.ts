import { absent, directory, file } from '../resources/file.ts';
import type { Resource } from '../resources/resource.ts';
import { noService } from '../resources/service.ts';
import { group, user } from '../resources/user.ts';
import { rootUnit } from '../root-unit.ts';
import type { AcmeTls, Settings } from '../settings.ts';
import { render } from '../template.ts';
import { acme, directoryCaPath, issuedPath } from './files.ts';

export const certificateService = 'berth-certificate.service';
export const certificateTimer = 'berth-certificate.timer';
export const certificateUnits = [certificateService, certificateTimer];

/** Who talks to the ACME authority, and where nginx finds the answers to its challenges. */
export function account({ ca }: AcmeTls, extraCa: string[]): Resource[] {
  const { user: name, home, webroot } = acme;
  const own = { owner: name, group: name };
  return [
    group(name),
    user({ name, home, system: true }),
    directory({ path: home, holds: 'ours' }),
    directory({ path: webroot, ...own }),
    ...['config', 'work', 'logs'].map((part) => directory({ path: `${home}/${part}`, mode: 0o700, ...own })),
    ca === null
      ? absent(directoryCaPath)
      : file({ path: directoryCaPath, content: [ca, ...extraCa].join('') }),
  ];
}

/** Of an earlier apply. */
export function noAccount(): Resource[] {
  const { user: name, home } = acme;
  const goals = [user({ name, home, system: true }), group(name)].flatMap(
    (resource) => resource.inverse({ purge: false }).goal ?? [],
  );
  return [
    ...[directoryCaPath, issuedPath, home].map((path) => absent(path)),
    ...goals.map((goal) => ({ ...goal, inverse: () => ({}) })),
  ];
}

/** Before systemd is told of its units. */
export function certificateUnitFiles({ tls: { kind } }: Settings): Resource[] {
  const path = (unit: string) => `/etc/systemd/system/${unit}`;
  if (kind !== 'letsencrypt') {
    return [noService(certificateTimer), ...certificateUnits.map((unit) => absent(path(unit)))];
  }
  const sandbox = {
    writable: ['/var/lib/berth', '/run'],
    capabilities: ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_KILL', 'CAP_SETGID', 'CAP_SETUID'],
    network: true,
  };
  return [
    file({
      path: path(certificateService),
      content: rootUnit('systemd/berth-certificate.service', sandbox),
    }),
    file({ path: path(certificateTimer), content: render('systemd/berth-certificate.timer') }),
  ];
}
