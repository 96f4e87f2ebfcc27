import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runChecked } from '../../process.ts';

/** One request of a load. */
export interface Request {
  method: string;
  path: string;
  token: string;
  body?: object;
}

/** What one round measured; times in milliseconds. */
export interface Round {
  requests: number;
  seconds: number;
  p50: number;
  p99: number;
  /** Answered with a status of 400 or more. */
  refused: number;
  /** Not answered. */
  broken: number;
}

export interface LoadOptions {
  seconds: number;
  /** Kept alive. */
  connections?: number;
  /** The first request of the list to send. */
  offset?: number;
  /** Where wrk may write. */
  directory: string;
}

/** Sends these requests over and over with wrk, as fast as the answers come. */
export async function load(origin: string, requests: Request[], options: LoadOptions): Promise<Round> {
  const { seconds, directory, connections = 32, offset = 0 } = options;
  const file = join(directory, 'requests');
  await writeFile(file, requests.map(lineOf).join(''));
  const argv = [
    'wrk',
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '-s',
    join(import.meta.dirname, 'wrk.lua'),
  ];
  const { stderr } = await runChecked([...argv, origin, '--', file, String(offset)]);
  return JSON.parse(stderr);
}

function lineOf({ method, path, token, body }: Request): string {
  return `${method} ${path} ${token}${body ? ` ${JSON.stringify(body)}` : ''}\n`;
}
