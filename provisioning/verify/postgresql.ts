import type { Host } from '../host.ts';
import type { Check, Finding, Rule, Subject } from './finding.ts';
import { judge } from './finding.ts';

type Cluster = {
  listen: string;
  hba: { line: number; type: string; address: string | null; method: string; error: string | null }[];
  roles: { name: string; privileged: boolean; password: boolean; memberOf: string[] }[];
  open: string[];
};

/** `hba` is what the file says now; what is loaded is compared with it by the check `loaded`. */
const query = `SELECT json_build_object(
  'listen', current_setting('listen_addresses'),
  'hba', (SELECT coalesce(json_agg(json_build_object('line', line_number, 'type', type, 'address', address,
      'method', auth_method, 'error', error)), '[]') FROM pg_hba_file_rules),
  'roles', (SELECT json_agg(json_build_object('name', rolname, 'password', rolpassword IS NOT NULL,
      'privileged', rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls,
      'memberOf', ARRAY(SELECT pg_get_userbyid(roleid) FROM pg_auth_members WHERE member = pg_authid.oid)))
      FROM pg_authid WHERE rolcanlogin),
  'open', (SELECT coalesce(json_agg(datname), '[]') FROM pg_database WHERE datallowconn AND
      EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE grantee = 0)))`;

const rule = (
  what: string,
  title: string,
  fix: string,
  reference = 'PostgreSQL manual, client authentication',
): Rule => ({
  id: `postgresql.${what}`,
  title,
  fix,
  reference,
});
const rules = {
  listen: rule(
    'listen',
    'PostgreSQL listens on this machine alone',
    "listen_addresses = 'localhost', then restart it",
  ),
  peer: rule(
    'peer',
    'PostgreSQL lets nobody in on trust, and nobody from elsewhere',
    'pg_hba.conf: peer for local lines, no address but 127.0.0.1 and ::1',
  ),
  roles: rule(
    'roles',
    'no role but postgres has power over the cluster',
    'berth apply; ALTER ROLE <name> NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS',
  ),
  passwords: rule('passwords', 'no role has a password that could leak', 'ALTER ROLE <name> PASSWORD NULL'),
  connect: rule(
    'connect',
    'a database lets its owner in, and not everybody',
    'berth apply; REVOKE ALL ON DATABASE <name> FROM PUBLIC',
  ),
  refused: rule(
    'refused',
    'PostgreSQL refuses who is not its user',
    'pg_hba.conf and pg_ident.conf; berth apply',
  ),
};

/** The cluster as it answers, and whom it really refuses. */
export const postgresql: Check = { id: 'postgresql', run };

async function run({ host, settings }: Subject): Promise<Finding[]> {
  const local = Object.values(settings.apps)
    .filter(({ database }) => database === 'local')
    .map(({ name }) => name);
  const cluster = JSON.parse(
    await host.must(psql('postgres'), { user: 'postgres', input: query, timeoutMs: 10_000 }),
  ) as Cluster;
  const others = cluster.roles.filter(({ name }) => name !== 'postgres');
  const beyond = cluster.listen
    .split(/[,\s]+/)
    .filter((address) => !['', 'localhost', '127.0.0.1', '::1'].includes(address));
  return [
    judge(rules.listen, beyond, cluster.listen || 'its socket alone'),
    judge(rules.peer, cluster.hba.flatMap(lax), `${cluster.hba.length} rules`),
    judge(
      rules.roles,
      others.filter(({ privileged, memberOf }) => privileged || memberOf.length > 0).map(({ name }) => name),
      others.map(({ name }) => name).join(', ') || 'no other role',
    ),
    judge(
      rules.passwords,
      cluster.roles.filter(({ password }) => password).map(({ name }) => name),
      'none',
    ),
    judge(rules.connect, cluster.open, `${local.join(', ') || 'none'} of their owners`),
    judge(
      rules.refused,
      await intruders(host, local),
      `nobody and ${local.join(', ') || 'no application'} elsewhere`,
    ),
  ];
}

function lax({ line, type, address, method, error }: Cluster['hba'][number]): string[] {
  if (error !== null) return [`line ${line}: ${error}`];
  const here = type === 'local' || ['127.0.0.1', '::1'].includes(address ?? '');
  const fine = type === 'local' ? ['peer', 'reject'] : ['scram-sha-256', 'cert', 'reject'];
  return here && fine.includes(method)
    ? []
    : [`line ${line}: ${type} ${address ?? ''} ${method}`.replace('  ', ' ')];
}

/** Tries to come in: as nobody under each name, and as each application where another is at home. */
async function intruders(host: Host, local: string[]): Promise<string[]> {
  const tries: [user: string, as: string, database: string][] = [
    ...['postgres', ...local].map((as) => ['nobody', as, 'postgres'] as [string, string, string]),
    ...local.flatMap((app) =>
      ['postgres', ...local.filter((other) => other !== app)].map(
        (database) => [app, app, database] as [string, string, string],
      ),
    ),
  ];
  const entered = await Promise.all(
    tries.map(async ([user, as, database]) => {
      const { code } = await host.run([...psql(database), '--username', as], {
        user,
        input: 'SELECT 1',
        timeoutMs: 10_000,
      });
      return code === 0 ? [`${user} is let in as ${as} to ${database}`] : [];
    }),
  );
  return entered.flat();
}

function psql(database: string): string[] {
  return ['psql', '-XAtqw', '-v', 'ON_ERROR_STOP=1', '-d', database, '-f', '-'];
}
