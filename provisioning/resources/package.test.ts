import { join } from 'node:path';
import { plans } from '../../test/resource-rows.ts';
import { packages } from './package.ts';

const patiently = (command: string) =>
  `sh -euc . "$0"; patiently "$@" ${join(import.meta.dirname, '../dpkg.sh')} ${command}`;
plans('packages', packages(['nginx', 'sudo'], []), [
  [
    {
      known: new Map([
        ['nginx', 'install ok installed'],
        ['sudo', 'hold ok installed'],
      ]),
      interrupted: false,
    },
    [],
  ],
  [
    {
      known: new Map([
        ['nginx', 'deinstall ok config-files'],
        ['sudo', 'install ok installed'],
      ]),
      interrupted: false,
    },
    [
      patiently('apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold update'),
      'apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install --no-install-recommends nginx',
    ],
  ],
  [
    {
      known: new Map([
        ['nginx', 'install ok installed'],
        ['sudo', 'install ok installed'],
      ]),
      interrupted: true,
    },
    [
      patiently('dpkg --force-confold --configure -a'),
      'apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -f install',
    ],
  ],
]);
