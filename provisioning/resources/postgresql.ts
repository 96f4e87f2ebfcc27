import type { Change } from '../change.ts';
import { BerthError } from '../errors.ts';
import type { Action } from '../events.ts';
import type { Host } from '../host.ts';
import type { Goal, Resource } from './resource.ts';

export type Cluster = {
  /** Major version, e.g. `17`. */
  version: string;
};

type ClusterState = {
  roles: { name: string; login: boolean; privileged: boolean; connections: number; memberOf: string[] }[];
  databases: { name: string; owner: string; public: boolean }[];
  /** Settings that wait for a restart. */
  pending: string[];
};

const administrator = 'postgres';

const clusterQuery = `SELECT json_build_object(
  'roles', (SELECT json_agg(json_build_object('name', rolname, 'login', rolcanlogin,
      'privileged', rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls,
      'connections', rolconnlimit,
      'memberOf', ARRAY(SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE member = pg_roles.oid))) FROM pg_roles),
  'databases', (SELECT json_agg(json_build_object('name', datname, 'owner', pg_get_userbyid(datdba),
      'public', EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)))
      FROM pg_database),
  'pending', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM pg_settings WHERE pending_restart))`;

function psql({ version }: Cluster): string[] {
  return [
    `/usr/lib/postgresql/${version}/bin/psql`,
    '-XAtq',
    '-v',
    'ON_ERROR_STOP=1',
    '-d',
    'postgres',
    '-f',
    '-',
  ];
}

const asked = new WeakMap<object, Promise<ClusterState | null>>();

/** The cluster's state, asked once until something changes; null: no server answers. */
function clusterState(host: Host, cluster: Cluster): Promise<ClusterState | null> {
  const known = asked.get(host.facts);
  if (known) return known;
  const answer = readCluster(host, cluster);
  asked.set(host.facts, answer);
  return answer;
}

async function readCluster(host: Host, cluster: Cluster): Promise<ClusterState | null> {
  const [program = ''] = psql(cluster);
  const users = await host.facts.users();
  if (!(await host.stat(program)) || !users.some((user) => user.name === administrator)) return null;
  const finished = await host.run(psql(cluster), {
    user: administrator,
    input: clusterQuery,
    timeoutMs: 10_000,
  });
  return finished.code === 0 ? (JSON.parse(finished.stdout) as ClusterState) : null;
}

/** What the server has by this name that is not as Berth makes it and a remove leaves it, e.g. `a database shop`. */
export async function foreignInCluster(host: Host, name: string): Promise<string | null> {
  const { postgresql: version } = await host.facts.platform();
  const state = await readCluster(host, { version });
  return state && foreign(state, name);
}

/** Pure: a role of ours has a limit of connections, and is alone in its database. */
export function foreign(
  { roles, databases }: Pick<ClusterState, 'roles' | 'databases'>,
  name: string,
): string | null {
  const role = roles.find((candidate) => candidate.name === name);
  const database = databases.find((candidate) => candidate.name === name);
  const ours = role?.login && !role.privileged && role.connections >= 0;
  if (database && !(ours && database.owner === name && !database.public))
    return `a database ${name} in PostgreSQL`;
  return role && !ours ? `a role ${name} in PostgreSQL` : null;
}

function sql(cluster: Cluster, statement: string, action: Action = 'change'): Change {
  return {
    do: 'run',
    argv: psql(cluster),
    input: statement,
    user: administrator,
    summary: statement,
    action,
  };
}

/** A name as an SQL identifier. */
function identifier(name: string): string {
  if (name.includes('\0'))
    throw new BerthError('invalid_name', 'a name holds a NUL byte', 'choose another name');
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A role that may log in, hold `connections` at once, and nothing more; by peer authentication it is the system user
 * of that name.
 */
export function role(cluster: Cluster, name: string, connections: number): Resource<ClusterState | null> {
  const may = `LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT ${connections}`;
  return {
    id: `role ${name}`,
    check: (host) => clusterState(host, cluster),
    plan(state) {
      const found = state?.roles.find((candidate) => candidate.name === name);
      if (!found) return [sql(cluster, `CREATE ROLE ${identifier(name)} ${may}`, 'add')];
      const revoked = found.memberOf.map((other) =>
        sql(cluster, `REVOKE ${identifier(other)} FROM ${identifier(name)}`),
      );
      const right = found.login && !found.privileged && found.connections === connections;
      return [...(right ? [] : [sql(cluster, `ALTER ROLE ${identifier(name)} ${may}`)]), ...revoked];
    },
    inverse: ({ purge }) => (purge ? { goal: noRole(cluster, name) } : {}),
  };
}

/** Neither the role nor any database of its own, kept ones of restores too. */
function noRole(cluster: Cluster, name: string): Goal<ClusterState | null> {
  return {
    id: `no role ${name}`,
    check: (host) => requiredState(host, cluster),
    plan(state) {
      const owned = state?.databases.filter(({ owner }) => owner === name) ?? [];
      const there = state?.roles.some((candidate) => candidate.name === name);
      return [
        ...owned.map((each) => sql(cluster, `DROP DATABASE ${identifier(each.name)} WITH (FORCE)`, 'remove')),
        ...(there ? [sql(cluster, `DROP ROLE ${identifier(name)}`, 'remove')] : []),
      ];
    },
  };
}

/** null: PostgreSQL is not installed. */
async function requiredState(host: Host, cluster: Cluster): Promise<ClusterState | null> {
  const state = await clusterState(host, cluster);
  // What cannot be asked whether it is gone is not gone.
  if (state === null && (await host.stat(psql(cluster)[0] as string))) {
    await host.must(psql(cluster), { user: administrator, input: clusterQuery, timeoutMs: 10_000 });
  }
  return state;
}

/** A database of the server's own, where no application has any business. */
export function closedDatabase(cluster: Cluster, name: string): Resource<ClusterState | null> {
  return {
    id: `database ${name}`,
    check: (host) => clusterState(host, cluster),
    plan(state) {
      const open = state?.databases.find((candidate) => candidate.name === name)?.public ?? true;
      return open ? [sql(cluster, `REVOKE ALL ON DATABASE ${identifier(name)} FROM PUBLIC`)] : [];
    },
    inverse: () => ({ goal: openDatabase(cluster, name) }),
  };
}

/** As the server makes it: everybody may connect. */
function openDatabase(cluster: Cluster, name: string): Goal<ClusterState | null> {
  return {
    id: `open database ${name}`,
    check: (host) => clusterState(host, cluster),
    plan(state) {
      const found = state?.databases.find((candidate) => candidate.name === name);
      if (!found || found.public) return [];
      const rights = name === 'template1' ? 'CONNECT' : 'CONNECT, TEMPORARY';
      return [sql(cluster, `GRANT ${rights} ON DATABASE ${identifier(name)} TO PUBLIC`)];
    },
  };
}

/** A database that belongs to the role of the same name, where nobody else may connect. */
export function database(cluster: Cluster, name: string): Resource<ClusterState | null> {
  const quoted = identifier(name);
  const close = sql(cluster, `REVOKE ALL ON DATABASE ${quoted} FROM PUBLIC`);
  return {
    id: `database ${name}`,
    check: (host) => clusterState(host, cluster),
    plan(state) {
      const found = state?.databases.find((candidate) => candidate.name === name);
      if (!found)
        return [
          sql(cluster, `CREATE DATABASE ${quoted} OWNER ${quoted} ENCODING 'UTF8' TEMPLATE template0`, 'add'),
          close,
        ];
      const owner = sql(cluster, `ALTER DATABASE ${quoted} OWNER TO ${quoted}`);
      return [...(found.owner === name ? [] : [owner]), ...(found.public ? [close] : [])];
    },
    // It goes with its role.
    inverse: ({ purge }) => (purge ? {} : { stays: `the database ${name}, with its role` }),
  };
}

type PendingState = { pending: string[]; inUse: boolean };

/**
 * Settings that only a restart brings in: made at once while no release runs, else reported, since a restart
 * ends every connection.
 */
export function pendingRestart(cluster: Cluster, unit: string, apps: string[]): Resource<PendingState> {
  return {
    id: `settings of ${unit}`,
    async check(host) {
      const state = await clusterState(host, cluster);
      const live = await Promise.all(apps.map((app) => host.stat(`/srv/${app}/current`)));
      return { pending: state?.pending ?? [], inUse: live.some((found) => found !== null) };
    },
    plan({ pending, inUse }) {
      if (pending.length === 0 || inUse) return [];
      return [{ do: 'run', argv: ['systemctl', 'restart', unit], summary: `bring in ${pending.join(', ')}` }];
    },
    notices({ pending, inUse }) {
      if (pending.length === 0 || !inUse) return [];
      return [
        `PostgreSQL waits for a restart to bring in ${pending.join(', ')}; it ends every connection: systemctl restart ${unit}`,
      ];
    },
    inverse: () => ({}),
  };
}
