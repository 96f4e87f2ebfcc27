import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run } from './process.ts';
import { parsePublicKey } from './settings/public-key.ts';

/**
 * The person's public keys, each once: those of the agent first, then those of `~/.ssh` whose private half stands
 * beside: others may be a colleague's, a machine's or an authority's. Certificates are none.
 */
export async function ownKeys(signal: AbortSignal, home: string = homedir()): Promise<string[]> {
  const lines = [...(await agentKeys(signal)), ...fileKeys(join(home, '.ssh'))];
  const keys = new Map<string, string>();
  for (const line of lines) {
    const key = publicKey(line);
    const blob = key?.split(' ')[1];
    if (key !== undefined && blob !== undefined && !keys.has(blob)) keys.set(blob, key);
  }
  return [...keys.values()];
}

/** What a person calls a key: its comment, else its type; never empty. */
export function nameOf(key: string): string {
  const [type = '', , ...comment] = key.split(' ');
  return comment.length === 0 ? type : `${comment.join(' ')} (${type})`;
}

/** Without an agent, or with an empty one, it fails. */
async function agentKeys(signal: AbortSignal): Promise<string[]> {
  const { code, stdout } = await run(['ssh-add', '-L'], { signal, timeoutMs: 10_000 });
  return code === 0 ? stdout.split('\n') : [];
}

function fileKeys(directory: string): string[] {
  try {
    const names = readdirSync(directory).filter((name) => name.endsWith('.pub'));
    const own = names.filter((name) => existsSync(join(directory, name.slice(0, -'.pub'.length))));
    return own.sort().flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'));
  } catch {
    return [];
  }
}

function publicKey(line: string): string | undefined {
  try {
    return parsePublicKey(line);
  } catch {
    return undefined;
  }
}
