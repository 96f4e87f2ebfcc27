import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Catalog } from '../../provisioning/backups/catalog.ts';
import type { Manifest } from '../../provisioning/backups/store.ts';
import { runChecked } from '../../scripts/process.ts';
import { type Checkout, cloneRepository, type Status } from './checkout.ts';
import { clientOf } from './client.ts';
import { eventually, timed } from './computer.ts';

/** How much is written while a backup runs: `BERTH_BACKUP_MB=1024` for the whole measure. */
const megabytes = Number(process.env.BERTH_BACKUP_MB ?? 48);
const account = { email: 'kept@example.com', password: 'a long enough password' };

/** What is easily lost or cannot be compared as text, and code that would use the rights of who restores it. */
const odd = `
  CREATE SCHEMA "odd schema";
  CREATE EXTENSION hstore WITH SCHEMA "odd schema";
  CREATE TYPE "odd schema".mood AS ENUM ('it''s', 'b');
  CREATE DOMAIN positive AS int CHECK (value > 0);
  CREATE TABLE "odd schema"."Tab ""q"" le" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "a b" varchar(5) CHECK ("a b" IN ('x', 'y')), m "odd schema".mood, p positive,
    doubled int GENERATED ALWAYS AS (p * 2) STORED);
  INSERT INTO "odd schema"."Tab ""q"" le" ("a b", m, p) VALUES ('x', 'b', 3);
  CREATE TABLE part (id int, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
  CREATE TABLE part_2026 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
  CREATE TABLE part_rest PARTITION OF part DEFAULT;
  INSERT INTO part SELECT g, '2026-01-01'::date + g FROM generate_series(1, 500) g;
  CREATE INDEX ON part (at) WHERE id > 10;
  CREATE UNLOGGED TABLE loose (a int);
  ALTER TABLE loose ADD CONSTRAINT later CHECK (a > 0) NOT VALID;
  CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM part;
  CREATE TABLE guarded (a int);
  ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
  ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
  CREATE POLICY mine ON guarded FOR SELECT USING (a = 1);
  SELECT lo_from_bytea(0, 'large');
  ALTER DATABASE api SET search_path = "$user", public, "odd schema";
  CREATE FUNCTION climb(int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN
    BEGIN EXECUTE 'RESET ROLE'; EXECUTE 'ALTER ROLE api SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
    RETURN true; END $$;
  CREATE TABLE trap (a int CHECK (climb(a)));
  INSERT INTO trap VALUES (1);`;

/** What would end a literal early, or a statement, in a session that obeys them. */
const settings = `
  CREATE TABLE "Ã' odd" (a int);
  ALTER DATABASE api SET client_encoding = 'SJIS';
  ALTER DATABASE api SET search_path = "$user", public, "odd schema", "Ã'; ALTER ROLE api SUPERUSER; --";
  ALTER DATABASE api SET statement_timeout = 1;
  ALTER DATABASE api SET role = 'api';
  ALTER DATABASE api SET standard_conforming_strings = off`;

/** An index whose predicate the planner computes, with the rights of whoever merely counts the table's rows. */
const lure = `
  CREATE FUNCTION seize() RETURNS bool LANGUAGE plpgsql VOLATILE AS $$ BEGIN
    IF (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
      COPY (SELECT 1) TO PROGRAM 'psql -XAtqc "ALTER ROLE api SUPERUSER"';
    END IF;
    RETURN true; END $$;
  CREATE FUNCTION always(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN public.seize(); END $$;
  CREATE TABLE lure (a int);
  INSERT INTO lure VALUES (1), (2);
  CREATE INDEX ON lure (a) WHERE always(1);`;

describe('backups', function () {
  this.timeout(3_600_000);
  this.bail(true);
  let checkout: Checkout;
  let status: Status;
  const figure = (what: string, value: string | number) => console.log(`    figure: ${what}: ${value}`);
  const root = '/var/backups/berth';

  this.beforeAll(async () => {
    checkout = await cloneRepository({ installed: true });
    checkout.settings(
      'machine: {kind: container}\napps: {api: {watch: 0s, shared: [uploads]}}\nbackup: {restic: {repository: /srv/copies}}\n',
    );
    await checkout.must(['up']);
    await checkout.must(['backup', 'restic'], { input: 'a password of its own\n' });
    status = await checkout.status();
  });
  this.afterAll(() => checkout?.remove());

  const berth = async (...words: string[]) => (await checkout.must(['backup', ...words, '--json'])).stdout;
  const lines = <T>(text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as T & { type: string });
  const last = <T>(text: string) => lines<T>(text).at(-1) as T;
  const make = async () => last<{ id: string; seconds: number; bytes: number }>(await berth('now'));
  const list = async () =>
    lines<Catalog['backups'][number]>(await berth('list')).filter(({ type }) => type === 'backup');
  const manifestOf = async (id: string) => last<Manifest>(await berth('show', id));
  const sql = async (text: string, database = 'api') =>
    (await checkout.ssh(`sudo -u api psql -XAtq -v ON_ERROR_STOP=1 -d ${database} -f -`, `${text};`)).trim();
  const asRoot = (line: string) => checkout.ssh(`sudo sh -euc '${line}'`);
  const refused = async (code: RegExp, ...words: string[]) => {
    const { code: exit, stderr } = await checkout.berth(['backup', ...words]);
    assert.equal(exit, 1, stderr);
    assert.match(stderr, code);
    return stderr;
  };
  const databases = async () =>
    (await sql("SELECT datname FROM pg_database WHERE datname ~ '^api' ORDER BY 1")).split('\n');

  it(`holds what the database held at one moment, with ${megabytes} MB in it and more written meanwhile`, async () => {
    const batch =
      'INSERT INTO big (text) SELECT repeat(md5(random()::text), 32) FROM generate_series(1, 1000); COMMIT';
    const fill = (loop: string, until = '') => `DO $$ BEGIN ${loop} ${until} ${batch}; END LOOP; END $$`;
    await sql('CREATE TABLE big (id bigserial PRIMARY KEY, text text NOT NULL); CREATE TABLE stop ()');
    await sql(fill(`FOR i IN 1..${megabytes} LOOP`));
    const counted = async () => Number(await sql('SELECT count(*) FROM big'));
    const writing = sql(fill('LOOP', 'EXIT WHEN EXISTS (SELECT FROM stop);'));
    await eventually('the writer writes', 30, async () => (await counted()) > megabytes * 1000 || undefined);
    const before = await counted();
    const [{ id, bytes, seconds }] = await timed(make);
    const after = await counted();
    await sql('INSERT INTO stop DEFAULT VALUES');
    await writing;
    const dumped = (await manifestOf(id)).apps.api?.database?.rows['public.big'] ?? 0;
    assert.ok(before <= dumped && dumped < after, `${before} <= ${dumped} < ${after}`);
    const [, restored] = await timed(() => berth('restore', id, '--into', 'api_then'));
    assert.equal(Number(await sql('SELECT count(*) FROM big', 'api_then')), dumped);
    figure('written while the backup ran, MB', Math.round((after - before) / 1000));
    figure('the backup of so many MB, s', `${(dumped / 1000).toFixed(0)}: ${seconds}`);
    figure('its size, MB', (bytes / 1e6).toFixed(1));
    figure('restored beside and compared, s', restored.toFixed(1));
    await sql('TRUNCATE big');
  });

  it('refuses by name a file that was cut short, altered by one byte, or is missing, and touches nothing', async () => {
    const { id } = await make();
    const path = `${root}/${id}/api.dump`;
    const before = await databases();
    const damages: [harm: string, says: RegExp][] = [
      [
        `truncate -s -1 ${path}`,
        /api\.dump of the backup .* has \d+ bytes instead of \d+ \(backup_damaged\)/,
      ],
      [
        `printf "\\\\377\\\\000\\\\377" | dd of=${path} bs=1 seek=3000 conv=notrunc status=none`,
        /api\.dump of the backup .* was altered/,
      ],
      [`rm ${path}`, /api\.dump of the backup .* is missing/],
      [`sed -i s/hand/Hand/ ${root}/${id}/manifest.json`, /manifest\.json of the backup .* is not what/],
    ];
    await asRoot(`cp -a ${root}/${id} /root/whole`);
    for (const [harm, says] of damages) {
      await asRoot(harm);
      const [said, seconds] = await timed(() => refused(/backup_damaged/, 'restore', id, '--yes'));
      assert.match(said, says);
      await refused(/backup_damaged/, 'show', id);
      figure(`refused after ${harm.split(' ')[0]}, s`, seconds.toFixed(1));
      await asRoot(`rm -r ${root}/${id}; cp -a /root/whole ${root}/${id}`);
    }
    assert.deepEqual(await databases(), before);
    await berth('show', id);
  });

  it('brings back every object, and gives code in a dump no rights', async () => {
    await sql(odd);
    await sql(lure);
    const administrator = async (text: string, database = 'postgres') =>
      (
        await checkout.ssh(`sudo -u postgres psql -XAtqd ${database} -v ON_ERROR_STOP=1 -f -`, `${text};`)
      ).trim();
    const seized = () => administrator("SELECT rolsuper FROM pg_roles WHERE rolname = 'api'");
    await administrator('EXPLAIN SELECT count(*) FROM lure', 'api');
    assert.equal(await seized(), 't', 'the trap is a real one');
    await administrator('ALTER ROLE api NOSUPERUSER');
    await administrator('CREATE EXTENSION pg_stat_statements SCHEMA public', 'api');
    await sql(settings);
    const { id } = await make();
    const rows = (await manifestOf(id)).apps.api?.database?.rows ?? {};
    assert.deepEqual([rows['public.lure'], rows['public.guarded'], rows['public.part_2026']], [2, null, 364]);
    assert.equal(await seized(), 'f');
    const [drill, seconds] = await timed(async () =>
      last<{ databases: Record<string, unknown> }>(await berth('drill')),
    );
    assert.ok(drill.databases.api);
    figure('drill from the restic repository, s', seconds.toFixed(1));
    await berth('restore', id, '--into', 'api_odd');
    // Sessions that were opened meanwhile have the settings still.
    await administrator(`ALTER DATABASE api RESET ALL;
      SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'api'`);
    assert.equal(await seized(), 'f');
    assert.ok(!(await databases()).some((name) => /_drill_/.test(name)), 'the scratch database is gone');
  });

  it('puts the database back in one go, with folder and environment if asked, and the API recovers', async () => {
    const ask = clientOf(status);
    await ask({ method: 'POST', path: '/api/users', body: account });
    await checkout.ssh(
      'sudo -u api sh -c "echo kept > /srv/api/shared/uploads/file; ln -s /etc/shadow /srv/api/shared/link"',
    );
    const { id } = await make();
    await sql('DELETE FROM users');
    await checkout.ssh('sudo -u api rm /srv/api/shared/uploads/file');
    await asRoot('sed -i s/JWT_KEYS=/JWT_KEYS_WAS=/ /etc/api/env');
    const failures: string[] = [];
    const over = new AbortController();
    const asking = (async () => {
      while (!over.signal.aborted) {
        const answer = await ask({ path: '/api/readyz' }).catch((error) => ({ status: error.message }));
        if (answer.status !== 200) failures.push(`${Date.now()}: ${answer.status}`);
      }
    })();
    const done = last<{ seconds: { away: number }; keptDatabase: string; release: number }>(
      await berth('restore', id, '--shared', '--config', '--yes').finally(() => over.abort()),
    );
    await asking;
    const login = { username: account.email, password: account.password };
    assert.equal((await ask({ method: 'POST', path: '/api/login', body: login })).status, 200);
    figure('the database was away, s', done.seconds.away);
    figure('requests one after the other that failed meanwhile', failures.length);
    assert.ok((await databases()).includes(done.keptDatabase));
    assert.equal((await checkout.ssh('sudo cat /srv/api/current/app/uploads/file')).trim(), 'kept');
    assert.equal((await checkout.ssh('sudo readlink /srv/api/shared/link')).trim(), '/etc/shadow');
    assert.match(await asRoot('cat /etc/api/env'), /^JWT_KEYS=/m);
    assert.equal((await checkout.status()).release, `v${done.release}`);
    assert.match((await checkout.must(['plan'])).stdout, /^0 to add, 0 to change, 0 to remove/m);
  });

  it('takes a copy from the restic repository when the machine has none any more', async () => {
    const [newest] = await list();
    assert.deepEqual([newest?.machine, newest?.restic], [true, true]);
    await asRoot(`rm -r ${root}/*`);
    const [away] = await list();
    assert.deepEqual([away?.id, away?.machine, away?.restic], [newest?.id, false, true]);
    await berth('restore', newest?.id ?? '', '--into', 'api_copy');
    assert.equal(await sql('SELECT count(*) FROM users', 'api_copy'), '1');
    await asRoot('! grep -rq "kept@example.com" /srv/copies');
  });

  it('leaves nothing half done when it is killed, and lets nobody in beside it', async () => {
    await sql('INSERT INTO big (text) SELECT repeat(md5(random()::text), 32) FROM generate_series(1, 60000)');
    const before = (await list()).length;
    /** Kills the unit's main process in the moment in which the shell finds `seen` to hold. */
    const killOnce = (unit: string, seen: string) =>
      asRoot(`systemctl start --no-block ${unit}
        for i in $(seq 1 1000); do ${seen} && break; sleep 0.02; done
        systemctl kill --kill-whom=main --signal=KILL ${unit}
        while systemctl is-active --quiet ${unit}; do sleep 0.02; done`);
    const scratch = 'psql -XAtc "SELECT datname FROM pg_database" | grep -q _drill_';
    await killOnce('berth-backup', `test -s "$(echo ${root}/*.partial/api.dump)"`);
    assert.match(await asRoot(`ls ${root}`), /\.partial/);
    assert.equal((await list()).length, before);
    assert.match((await checkout.berth(['status'])).stderr, /nightly backup failed/);
    await killOnce('berth-drill', `sudo -u postgres ${scratch}`);
    assert.ok((await databases()).some((name) => /_drill_/.test(name)));
    await asRoot('systemd-run --quiet --unit=other flock /run/berth/backup.lock sleep infinity');
    await refused(/backup_running/, 'now');
    await asRoot('systemctl stop other; systemctl start berth-backup berth-drill');
    assert.ok(!(await databases()).some((name) => /_drill_/.test(name)));
    assert.equal((await asRoot(`find ${root} -name "*.partial"`)).trim(), '');
    assert.equal((await list())[0]?.kind, 'daily');
    const drills = (await asRoot('cat /var/lib/berth/drills.ndjson')).trim().split('\n');
    assert.equal(JSON.parse(drills.at(-1) ?? '').ok, true);
  });

  it('dumps before a release process, whose failure names the dump', async () => {
    const commit = async (file: string, text: string) => {
      const path = join(checkout.root, file);
      writeFileSync(path, readFileSync(path, 'utf8') + text);
      await runChecked(['git', '-C', checkout.root, 'commit', '--quiet', '--all', '--message', 'Change']);
    };
    await sql('TRUNCATE big');
    await commit('api/server.ts', '// one\n');
    const [, deployed] = await timed(() => checkout.must(['deploy']));
    const [dump] = await list();
    assert.equal(dump?.kind, 'release');
    figure('deploy with the dump of a small database, s', deployed.toFixed(1));
    figure('of it the dump, s', (await manifestOf(dump?.id ?? '')).seconds);
    await commit('api/migrate.ts', "throw new Error('broken on purpose');\n");
    const failed = await checkout.berth(['deploy']);
    assert.match(failed.stderr, /release_process_failed/);
    const id = failed.stderr.match(/berth backup restore (\S+-release-api-v\d+)/)?.[1];
    assert.ok(id, failed.stderr);
    await berth('restore', id, '--yes');
    assert.equal((await checkout.status()).healthy, true);
  });
});
