import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A program of ours as its own process. */
export interface Run {
  process: ChildProcess;
  /** Resolves when it has ended, with all it printed. */
  exit: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }>;
  /** Resolves to the match once its output has one, or throws if it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

const ROOT = join(import.meta.dirname, '..', '..');

/** Runs `node <program>` with exactly this environment. */
export function run(program: string, env: Record<string, string>, args: string[] = []): Run {
  const child = spawn(process.execPath, [join(ROOT, program), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk) => (output.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk) => (output.stderr += chunk));
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal, ...output }));
  return {
    process: child,
    exit,
    async printed(pattern) {
      for (;;) {
        const match = pattern.exec(output.stdout);
        if (match) return match;
        if (child.stdout.closed) throw new Error(`ended without ${pattern}: ${output.stderr}`);
        await Promise.race([once(child.stdout, 'data'), exit]);
      }
    },
  };
}
