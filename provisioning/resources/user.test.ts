import { inverseOf, plans } from '../../test/resource-rows.ts';
import { group, member, user } from './user.ts';

const deploy = { name: 'deploy', uid: 1000, gid: 1000, home: '/home/deploy', shell: '/bin/bash' };
const usual = { user: deploy, groups: ['sudo'], locked: true };
plans('a user', user({ name: 'deploy', home: '/home/deploy', system: false }), [
  [
    { user: undefined, groups: [], locked: true },
    ['useradd --create-home --gid deploy --home-dir /home/deploy --shell /bin/bash deploy'],
  ],
  [usual, []],
  [{ ...usual, user: { ...deploy, shell: '/bin/false' } }, ['usermod --shell /bin/bash deploy']],
  [{ ...usual, user: { ...deploy, home: '/' } }, ['usermod --home /home/deploy deploy']],
]);

const service1 = { user: { ...deploy, name: 'api' }, groups: [], locked: true };
plans('a system user', user({ name: 'api', home: '/home/deploy', system: true }), [
  [service1, []],
  [{ ...service1, groups: ['sudo', 'shadow'] }, ['gpasswd --delete api sudo', 'gpasswd --delete api shadow']],
  [{ ...service1, locked: false }, ['passwd --lock api']],
]);

plans('a closed group', group('web', { closed: true }), [
  [undefined, ['groupadd --system web']],
  [{ name: 'web', gid: 9, members: [] }, []],
  [{ name: 'web', gid: 9, members: ['eve'] }, ['gpasswd --delete eve web']],
]);

plans('an open group', group('api'), [[{ name: 'api', gid: 9, members: ['deploy'] }, []]]);

plans('a membership', member('deploy', 'sudo'), [
  [false, ['usermod --append --groups sudo deploy']],
  [true, []],
]);

plans('a system user without Berth', inverseOf(user({ name: 'api', home: '/h', system: true, owns: '/s' })), [
  [{ there: true, owner: false }, ['userdel api']],
  [{ there: true, owner: true }, []],
  [{ there: false, owner: false }, []],
]);

plans('a group without Berth', inverseOf(group('api')), [
  [{ there: true, used: false }, ['groupdel api']],
  [{ there: true, used: true }, []],
]);

plans('a membership without Berth', inverseOf(member('deploy', 'api')), [
  [true, ['gpasswd --delete deploy api']],
  [false, []],
]);
