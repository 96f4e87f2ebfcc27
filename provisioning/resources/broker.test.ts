import assert from 'node:assert/strict';
import { inverseOf, plans } from '../../test/resource-rows.ts';
import { retiredBroker, vhost } from './broker.ts';

plans('a vhost', vhost('api'), [
  ['let in', []],
  ['refused', ['admit api']],
  // Not there yet, as on a machine that is made.
  ['away', ['admit api']],
  [null, ['admit api']],
]);

const retired = retiredBroker(['api']);
const running = ['rabbitmq-server.service', 'epmd.socket'];
plans('RabbitMQ that nobody asks for any more', retired, [
  [{ ours: false, units: [], users: [] }, []],
  [{ ours: true, units: [], users: [] }, []],
  [{ ours: true, units: running, users: ['v3 of api'] }, []],
  [
    { ours: true, units: running, users: [] },
    ['systemctl disable --now rabbitmq-server.service epmd.socket'],
  ],
]);

const data = ['/var/lib/rabbitmq/mnesia/rabbit@localhost'];
plans('RabbitMQ of a machine that Berth leaves', inverseOf(retired), [
  [{ ours: true, units: running, data }, ['systemctl disable --now rabbitmq-server.service epmd.socket']],
  [{ ours: true, units: [], data }, []],
]);
plans('RabbitMQ of a machine that Berth leaves with its data', inverseOf(retired, { purge: true }), [
  [
    { ours: true, units: running, data },
    [
      'systemctl disable --now rabbitmq-server.service epmd.socket',
      'remove /var/lib/rabbitmq/mnesia/rabbit@localhost',
    ],
  ],
  [{ ours: true, units: [], data: [] }, []],
  // Somebody else's.
  [{ ours: false, units: [], data }, []],
]);

describe('RabbitMQ that nobody asks for any more', () => {
  it('says whom it still runs for', () => {
    const notices = retired.notices?.({ ours: true, units: running, users: ['v3 of api'] });
    assert.deepEqual(notices, ['RabbitMQ runs on for v3 of api; an apply after that stops it']);
  });

  it('says where what waits in it stays', () => {
    const { goal } = retired.inverse({ purge: false });
    assert.deepEqual(goal?.notices?.({ ours: false, units: [], data }), [
      'what waits in RabbitMQ, in /var/lib/rabbitmq/mnesia',
    ]);
  });
});
