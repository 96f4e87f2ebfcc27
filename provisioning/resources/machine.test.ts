import { inverseOf, plans } from '../../test/resource-rows.ts';
import { hostname, swap, timezone } from './machine.ts';

plans('the host name', hostname('berth'), [
  ['berth', []],
  ['debian', ['hostnamectl set-hostname --static berth']],
]);

plans('the time zone', timezone('UTC'), [
  ['Etc/UTC', []],
  ['Europe/Berlin', ['timedatectl set-timezone UTC']],
]);

const small = { container: false, memoryMiB: 1000, swapMiB: 0, inFstab: false };
plans('swap', swap(), [
  [{ ...small, memoryMiB: 4000 }, []],
  [{ ...small, container: true }, []],
  [{ ...small, swapMiB: 512 }, []],
  [{ ...small, swapMiB: 1024, inFstab: true }, []],
  [
    small,
    [
      'install --mode=0600 /dev/null /swapfile',
      'fallocate --length 1GiB /swapfile',
      'mkswap /swapfile',
      'swapon /swapfile',
      'tee -a /etc/fstab',
    ],
  ],
]);

plans('swap without Berth', inverseOf(swap()), [
  [{ on: true, inFstab: false, file: true }, []],
  [
    { on: true, inFstab: true, file: true },
    ['swapoff /swapfile', 'remove /swapfile', 'sed --in-place \\|^/swapfile none swap sw 0 0$|d /etc/fstab'],
  ],
]);
