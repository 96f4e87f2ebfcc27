import { rename } from 'node:fs/promises';
import { decodeEnvironment, type Environment, encodeEnvironment } from '../environment.ts';
import { BerthError } from '../errors.ts';
import type { Event } from '../events.ts';
import type { Finished, Host } from '../host.ts';
import { readKeptSettings } from '../kept-settings.ts';
import type { Settings } from '../settings.ts';
import { type Kept, retentionOf, superfluous } from './retention.ts';
import { backupPath, backupsRoot, idPattern, type Kind, listBackups } from './store.ts';

/** RESTIC_PASSWORD, and what the storage wants, e.g. AWS_SECRET_ACCESS_KEY. On the machine alone, 0600. */
const secretsPath = '/etc/berth/restic.env';

/** A backup's copy in the repository. */
export type Copy = Kept & { snapshot: string };

type Restic = (...argv: string[]) => Promise<Finished>;

function restic(host: Host, repository: string, secrets: Environment): Restic {
  const env = { ...secrets, RESTIC_REPOSITORY: repository, RESTIC_CACHE_DIR: '/var/cache/berth/restic' };
  return (...argv) => host.run(['nice', 'restic', ...argv], { env });
}

/** Restic for the repository of the settings. @throws BerthError `restic_not_ready` */
async function configured(host: Host, settings: Settings): Promise<Restic> {
  const repository = await repositoryOf(host, settings);
  const secrets = decodeEnvironment((await host.read(secretsPath)) ?? '');
  if (secrets.RESTIC_PASSWORD) return restic(host, repository, secrets);
  throw new BerthError(
    'restic_not_ready',
    `the password of the restic repository ${shown(repository)} is not on the machine`,
    'run: berth backup restic',
  );
}

async function repositoryOf(host: Host, { backup }: Settings): Promise<string> {
  if (backup.restic && (await host.stat('/usr/bin/restic'))) return backup.restic.repository;
  throw new BerthError(
    'restic_not_ready',
    'the machine was not applied with a restic repository',
    'set backup.restic.repository in the hosts file and run: berth apply',
  );
}

async function must(run: Restic, ...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(...argv);
  if (code === 0) return stdout;
  throw resticFailed(argv[0] ?? '', code, stderr);
}

function resticFailed(word: string, code: number, stderr: string): BerthError {
  return new BerthError(
    'restic_failed',
    `restic ${word} ended with exit code ${code}:\n${stderr.trim().split('\n').slice(-12).join('\n')}`,
    'mend what it says (backup.restic.repository, berth backup restic); the backups on the machine are whole',
  );
}

/** Without a password that its URL may carry. */
export function shown(repository: string): string {
  return repository.replace(/\/\/[^/@]*:[^/@]*@/, '//…@');
}

/**
 * Keeps the repository's password and its storage's credentials on the machine, once they were seen to open it. A
 * repository that is not there yet is made.
 */
export async function setRestic(
  { secrets }: { secrets: Environment },
  { host, emit }: { host: Host; emit: (event: Event) => void },
): Promise<{ repository: string; created: boolean }> {
  const settings = await readKeptSettings(host);
  const repository = await repositoryOf(host, settings);
  const run = restic(host, repository, secrets);
  emit({ type: 'progress', text: `opens ${shown(repository)}` });
  const opened = await run('cat', 'config');
  if (opened.code !== 0) {
    // `init` refuses one that is there, as with a wrong password: what opening said tells more.
    if (/wrong password|no key found/i.test(opened.stderr))
      throw resticFailed('cat', opened.code, opened.stderr);
    await makeRepository(host, run, secrets);
  } else await keepSecrets(host, encodeEnvironment(secrets));
  return { repository: shown(repository), created: opened.code !== 0 };
}

/** Its password is kept before it is the only one that opens the repository, which a kill in between would lose. */
async function makeRepository(host: Host, run: Restic, secrets: Environment): Promise<void> {
  const before = await host.read(secretsPath);
  await keepSecrets(host, encodeEnvironment(secrets));
  try {
    await must(run, 'init');
  } catch (error) {
    await (before === null ? host.remove(secretsPath) : keepSecrets(host, before));
    throw error;
  }
}

function keepSecrets(host: Host, text: string): Promise<void> {
  return host.write(secretsPath, text, { mode: 0o600, owner: 'root', group: 'root' });
}

/** Copies every backup that the repository lacks, and forgets there what retention keeps no longer. */
export async function copyAway(host: Host, settings: Settings, say: (text: string) => void): Promise<true> {
  const run = await configured(host, settings);
  // Only locks that nobody holds any more, as a killed copy leaves.
  await must(run, 'unlock');
  const there = await copies(run, settings);
  for (const { id, sequence, kind, apps } of await listBackups(host)) {
    // Retention may have taken it away meanwhile.
    if (there.some((copy) => copy.id === id) || !(await host.stat(backupPath(id)))) continue;
    say(`copies ${id} to the restic repository`);
    const tags = [
      'berth',
      `kind=${kind}`,
      `sequence=${sequence}`,
      ...Object.keys(apps).map((app) => `app=${app}`),
    ];
    const tagged = tags.flatMap((tag) => ['--tag', tag]);
    await must(run, 'backup', '--quiet', `--host=${settings.hostname}`, ...tagged, backupPath(id));
  }
  const gone = new Set(superfluous(await copies(run, settings), retentionOf(settings)));
  const snapshots = (await copies(run, settings))
    .filter(({ id }) => gone.has(id))
    .map(({ snapshot }) => snapshot);
  if (snapshots.length > 0) await must(run, 'forget', '--quiet', '--prune', ...snapshots);
  return true;
}

/** What this machine, by its name, has in the repository. */
export async function listCopies(host: Host, settings: Settings): Promise<Copy[]> {
  return copies(await configured(host, settings), settings);
}

type Snapshot = { id: string; paths: string[]; tags?: string[] };

async function copies(run: Restic, { hostname }: Settings): Promise<Copy[]> {
  const found = await must(run, 'snapshots', '--json', '--no-lock', '--tag=berth', `--host=${hostname}`);
  return (JSON.parse(found) as Snapshot[]).flatMap((snapshot) => copyOf(snapshot) ?? []);
}

function copyOf({ id: snapshot, paths, tags = [] }: Snapshot): Copy | null {
  const id = paths[0]?.split('/').at(-1) ?? '';
  const values = (name: string) =>
    tags.filter((tag) => tag.startsWith(`${name}=`)).map((tag) => tag.slice(name.length + 1));
  const sequence = Number(values('sequence')[0]);
  if (!idPattern.test(id) || !Number.isInteger(sequence)) return null;
  const startedAt = id.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*$/, '$1-$2-$3T$4:$5:$6.000Z');
  return { snapshot, id, sequence, kind: values('kind')[0] as Kind, startedAt, apps: values('app') };
}

/**
 * Brings a copy back from the repository to `directory`, which is made.
 *
 * @throws BerthError `restic_failed`, `backup_unknown`
 */
export async function fetchCopy(
  host: Host,
  settings: Settings,
  id: string,
  directory: string,
): Promise<void> {
  const run = await configured(host, settings);
  const copy = (await copies(run, settings)).find((each) => each.id === id);
  if (!copy) {
    throw new BerthError(
      'backup_unknown',
      `neither the machine nor its restic repository has a backup ${id}`,
      'berth backup list shows them',
    );
  }
  const target = `${backupsRoot}/fetched.partial`;
  await host.remove(target);
  await must(run, 'restore', '--quiet', `--target=${target}`, copy.snapshot);
  await host.must(['sync', '--file-system', target]);
  await rename(`${target}${backupPath(id)}`, directory);
  await host.remove(target);
}

/** Whether the repository is whole, as restic sees it without reading all of its data. */
export async function checkRepository(host: Host, settings: Settings): Promise<void> {
  await must(await configured(host, settings), 'check', '--quiet');
}
