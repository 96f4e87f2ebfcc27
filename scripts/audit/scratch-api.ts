import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BerthError } from '../../provisioning/errors.ts';
import { startDevPostgres } from '../dev-postgres.ts';
import { runChecked } from '../process.ts';

/** The bundled API on a database of its own, both gone afterwards. */
export interface ScratchApi {
  url: string;
  directory: string;
  /** The lines of their logs that tell of a failure of their own. */
  failures: string[];
  stop(): Promise<void>;
}

const API = join(import.meta.dirname, '../../api');
const UNLIMITED = '1000000000';

/** Without limits of attempts, so that what is tried is tried; `env` overrides settings. `worker`: tasks are done, too. */
export async function startScratchApi(
  env: Record<string, string> = {},
  { worker }: { worker: boolean } = { worker: false },
): Promise<ScratchApi> {
  const directory = await mkdtemp(join(tmpdir(), 'berth-audit-'));
  // As root, PostgreSQL runs as another user, who must get to what is his.
  await chmod(directory, 0o711);
  const postgres = await startDevPostgres(join(directory, 'postgres'));
  const all = {
    DATABASE_URL: postgres.url,
    JWT_KEYS: `audit:${randomBytes(32).toString('base64url')}`,
    PORT: '0',
    LISTEN_HOST: '127.0.0.1',
    LOGIN_LIMIT_ACCOUNT: UNLIMITED,
    LOGIN_LIMIT_ADDRESS: UNLIMITED,
    REGISTRATION_LIMIT_ADDRESS: UNLIMITED,
    // Longer than the audit.
    ACCESS_TOKEN_SECONDS: '1000000',
    ...env,
  };
  await runChecked([process.execPath, join(API, 'migrate.ts')], { env: all });
  const failures: string[] = [];
  const children: ChildProcess[] = [];
  const stop = async () => {
    await Promise.all(children.map(end));
    await postgres.stop();
    await rm(directory, { recursive: true });
  };
  try {
    const listening = await begin('server.ts');
    if (worker) await begin('worker.ts');
    return {
      url: `http://127.0.0.1:${JSON.parse(listening).address.port}/api`,
      directory,
      failures,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }

  /** Starts one of its programs and resolves to the first line of its log, which it says once it is ready. */
  async function begin(program: string): Promise<string> {
    const argv = [join(API, program)];
    const child = spawn(process.execPath, argv, { env: all, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => Number(JSON.parse(line).level) >= 50 && failures.push(line));
    const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [])]);
    if (line === undefined)
      throw new BerthError('command_failed', `${program} ended at once`, 'see what it has said above');
    return line;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'close');
}
