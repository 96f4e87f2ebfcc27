import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunOptions, type RunResult, run, runChecked } from '../../scripts/process.ts';
import { remoteCommand } from '../../scripts/ssh-argv.ts';

/**
 * Somebody with an `~/.ssh` of their own. OpenSSH finds that by the user's entry in passwd, whatever HOME says, so it is
 * mounted there, seen by this person's programs alone.
 */
export type Person = {
  /** The directory that is `~/.ssh`. */
  ssh: string;
  publicKey: string;
  run(argv: string[], options?: RunOptions): Promise<RunResult>;
  /** At a terminal: each answer is typed once its question has been shown. Resolves with all that was shown. */
  atTerminal(argv: string[], answers: [question: RegExp, answer: string][], cwd: string): Promise<RunResult>;
  /** A program that answers as SSH_ASKPASS and SUDO_ASKPASS do; returns its path. */
  askpass(answer: string): string;
  write(name: string, text: string): void;
  remove(): void;
};

export async function createPerson(): Promise<Person> {
  const directory = mkdtempSync(join(tmpdir(), 'berth-person-'));
  const ssh = join(directory, 'ssh');
  mkdirSync(ssh, { mode: 0o700 });
  const there = join(homedir(), '.ssh');
  // It stays, empty: the person of another part may live there by then.
  mkdirSync(there, { recursive: true, mode: 0o700 });
  const key = join(ssh, 'id_ed25519');
  await runChecked(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'ada@laptop', '-f', key]);
  const { SSH_AUTH_SOCK: _, ...env } = process.env;
  const mounted = (argv: string[]) => {
    const script = 'mount --bind "$0" "$1" && shift && exec "$@"';
    return ['env', '-u', 'SSH_AUTH_SOCK', 'unshare', '--mount', 'sh', '-c', script, ssh, there, ...argv];
  };
  return {
    ssh,
    publicKey: readFileSync(`${key}.pub`, 'utf8').trim(),
    run: (argv, options) => run(mounted(argv), options),
    atTerminal: (argv, answers, cwd) =>
      typed(
        mounted(['script', '--quiet', '--return', '--command', remoteCommand(argv), '/dev/null']),
        answers,
        {
          cwd,
          env,
        },
      ),
    askpass(answer) {
      const path = join(directory, `askpass-${answer.length}`);
      writeFileSync(path, `#!/bin/sh\necho ${remoteCommand([answer])}\n`, { mode: 0o700 });
      return path;
    },
    write: (name, text) => writeFileSync(join(ssh, name), text, { mode: 0o600 }),
    remove: () => rmSync(directory, { recursive: true }),
  };
}

function typed(
  [program = '', ...args]: string[],
  answers: [RegExp, string][],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<RunResult> {
  const child = spawn(program, args, { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
  let shown = '';
  let from = 0;
  const left = [...answers];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    for (;;) {
      const [question, answer] = left[0] ?? [];
      const found = question?.exec(shown.slice(from));
      if (!found) return;
      from += found.index + found[0].length;
      left.shift();
      child.stdin.write(`${answer}\r`);
    }
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout: shown, stderr: '' }));
  });
}
