import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMigrationConfig } from '../config.ts';
import { migrate } from '../migrations.ts';
import { clusterIn, urlOf } from './postgres.ts';

/** A PostgreSQL of its own, that a test may do anything to. */
export class TroubledPostgres {
  readonly directory: string;
  readonly url: string;
  readonly #server: ReturnType<typeof clusterIn>;

  private constructor(directory: string) {
    this.directory = directory;
    this.url = urlOf(directory, 'postgres');
    this.#server = clusterIn(directory, { max_connections: 30 });
  }

  /** One with the API's schema, in a directory that `mount` may put on a disk of its own. */
  static async create(mount: (directory: string) => void = () => {}): Promise<TroubledPostgres> {
    const directory = await mkdtemp(join(tmpdir(), 'api-trouble-'));
    mount(directory);
    const postgres = new TroubledPostgres(directory);
    await postgres.#server.initialise();
    await postgres.start();
    await migrate(readMigrationConfig({ DATABASE_URL: postgres.url }), () => {});
    return postgres;
  }

  async remove(unmount: (directory: string) => void = () => {}): Promise<void> {
    await this.stop();
    unmount(this.directory);
    await rm(this.directory, { recursive: true });
  }

  start(): Promise<void> {
    return this.#server.start();
  }

  /** A fast shutdown: every client is told, and its connection ended. */
  stop(): Promise<void> {
    return this.#server.stop();
  }

  /** Stops every one of its processes where it stands; the postmaster first, so that no further one comes. */
  freeze(): void {
    process.kill(this.#postmaster(), 'SIGSTOP');
    for (const pid of this.#children()) process.kill(pid, 'SIGSTOP');
  }

  thaw(): void {
    for (const pid of [...this.#children(), this.#postmaster()]) process.kill(pid, 'SIGCONT');
  }

  /** Kills the process of one connection, whereupon PostgreSQL ends all and recovers. */
  async crash(): Promise<void> {
    process.kill(this.#children().at(-1) as number, 'SIGKILL');
  }

  #postmaster(): number {
    return Number(readFileSync(join(this.directory, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  #children(): number[] {
    const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
    const rows = table
      .trim()
      .split('\n')
      .map((row) => row.trim().split(/\s+/).map(Number));
    const postmaster = this.#postmaster();
    return rows.filter(([, parent]) => parent === postmaster).map(([pid]) => pid as number);
  }
}
