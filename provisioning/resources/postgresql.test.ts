import { inverseOf, plans } from '../../test/resource-rows.ts';
import { closedDatabase, database, pendingRestart, role } from './postgresql.ts';

const cluster = { version: '17' };
const api = { name: 'api', login: true, privileged: false, connections: 90, memberOf: [] };
const may = 'LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 90';
plans('a role', role(cluster, 'api', 90), [
  [null, [`postgres: CREATE ROLE "api" ${may}`]],
  [{ roles: [api], databases: [], pending: [] }, []],
  [
    { roles: [{ ...api, privileged: true }], databases: [], pending: [] },
    [`postgres: ALTER ROLE "api" ${may}`],
  ],
]);

plans('the role of an application with more than its due', role(cluster, 'api', 90), [
  [
    { roles: [{ ...api, connections: -1 }], databases: [], pending: [] },
    [`postgres: ALTER ROLE "api" ${may}`],
  ],
  [
    { roles: [{ ...api, memberOf: ['postgres'] }], databases: [], pending: [] },
    ['postgres: REVOKE "postgres" FROM "api"'],
  ],
]);

plans("a database of the server's own", closedDatabase(cluster, 'postgres'), [
  [null, ['postgres: REVOKE ALL ON DATABASE "postgres" FROM PUBLIC']],
  [{ roles: [], databases: [{ name: 'postgres', owner: 'postgres', public: false }], pending: [] }, []],
]);

const own = { name: 'api', owner: 'api', public: false };
plans('a database', database(cluster, 'api'), [
  [
    null,
    [
      `postgres: CREATE DATABASE "api" OWNER "api" ENCODING 'UTF8' TEMPLATE template0`,
      'postgres: REVOKE ALL ON DATABASE "api" FROM PUBLIC',
    ],
  ],
  [{ roles: [], databases: [own], pending: [] }, []],
  [
    { roles: [], databases: [{ ...own, public: true }], pending: [] },
    ['postgres: REVOKE ALL ON DATABASE "api" FROM PUBLIC'],
  ],
  [
    { roles: [], databases: [{ ...own, owner: 'eve' }], pending: [] },
    ['postgres: ALTER DATABASE "api" OWNER TO "api"'],
  ],
]);

plans('settings that wait for a restart', pendingRestart(cluster, 'pg.service', []), [
  [{ pending: ['shared_buffers'], inUse: false }, ['systemctl restart pg.service']],
  [{ pending: ['shared_buffers'], inUse: true }, []],
  [{ pending: [], inUse: false }, []],
]);

const before = { name: 'api_before_1', owner: 'api', public: false };
plans('a role whose data are purged', inverseOf(role(cluster, 'api', 90), { purge: true }), [
  [null, []],
  [
    { roles: [api], databases: [own, before], pending: [] },
    [
      'postgres: DROP DATABASE "api" WITH (FORCE)',
      'postgres: DROP DATABASE "api_before_1" WITH (FORCE)',
      'postgres: DROP ROLE "api"',
    ],
  ],
]);

plans("a database of the server's own without Berth", inverseOf(closedDatabase(cluster, 'postgres')), [
  [null, []],
  [
    { roles: [], databases: [{ name: 'postgres', owner: 'postgres', public: false }], pending: [] },
    ['postgres: GRANT CONNECT, TEMPORARY ON DATABASE "postgres" TO PUBLIC'],
  ],
]);
