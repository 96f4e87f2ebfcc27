import { isIP } from 'node:net';
import { BerthError } from '../../provisioning/errors.ts';
import type { Maintenance, MaintenanceInput } from '../../provisioning/maintenance.ts';
import type { Command, Context, Input } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import { openMachineSide } from '../machine-side.ts';
import { parseDuration } from '../settings/units.ts';
import { neutral } from '../terminal.ts';

export const command: Command = {
  arguments: [['[action]', 'on, off or status (default)']],
  options: [
    ['--allow <networks>', 'who gets through, with commas between; stays for the next time; none: nobody'],
    ['--retry-after <time>', 'when clients are told to come again, e.g. 30s, 10m, 2h', '10m'],
    ['--message <text>', 'what people and clients are told', 'We are working on it.'],
  ],
  examples: [
    ['berth maintenance on --retry-after 30m', 'answer 503 instead of the application'],
    ['berth maintenance on --allow 203.0.113.0/24,2001:db8::7', 'the same, but not for these addresses'],
    ['berth maintenance off', 'let everybody in again'],
    ['berth maintenance', 'whether it is on, since when, and who gets through'],
  ],
  async run(context, input) {
    const [word = 'status', ...more] = input.args;
    if (!['on', 'off', 'status'].includes(word) || more.length > 0)
      throw wrongUsage(`berth maintenance knows no ${JSON.stringify(word)}`, 'write on, off or status');
    const on = word === 'on' ? optionsOf(input) : null;
    const app = await context.app();
    const side = await openMachineSide(context);
    const now =
      word === 'status'
        ? await side.ask<Maintenance>('maintenanceStatus', { app })
        : await side.change<Maintenance>(
            'maintenance',
            { app, by: side.by, on } satisfies MaintenanceInput,
            () => {},
          );
    show(context, app, now);
    return EXIT.done;
  },
};

function show({ report }: Context, app: string, now: Maintenance): void {
  report.data({ type: 'maintenance', app, ...now });
  report.print(`${app} ${neutral(maintenanceText(now))}\n`);
}

/** `is under maintenance since 2026-03-01T12:00:00.000Z, by me@laptop; 203.0.113.0/24 gets through`. */
export function maintenanceText({ on, since, by, allow }: Maintenance): string {
  if (!on) return 'is not under maintenance';
  const through =
    allow.length === 0 ? '' : `; ${allow.join(', ')} ${allow.length === 1 ? 'gets' : 'get'} through`;
  return `is under maintenance since ${since}, by ${by}${through}`;
}

function optionsOf({ options }: Input): MaintenanceInput['on'] {
  const { allow, retryAfter, message } = options;
  return {
    allow: typeof allow === 'string' ? networksOf(allow) : null,
    retryAfterSeconds: secondsOf(String(retryAfter)),
    message: String(message),
  };
}

function secondsOf(text: string): number {
  try {
    return Math.ceil(parseDuration(text, { from: '1s', to: '24h' }) / 1000);
  } catch (error) {
    throw wrongUsage(
      `--retry-after ${JSON.stringify(text)} ${(error as Error).message}`,
      'write it such as 10m',
    );
  }
}

function networksOf(text: string): string[] {
  if (text === 'none') return [];
  return [...new Set(text.split(',').map((one) => networkOf(one.trim())))].sort();
}

function networkOf(text: string): string {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  const most = family === 6 ? 128 : 32;
  if (family === 0 || address.includes('%') || Number(bits ?? 0) > most) {
    throw wrongUsage(
      `--allow ${JSON.stringify(text)} is neither an address nor a network`,
      'write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32, with commas between',
    );
  }
  return `${address}/${Number(bits ?? most)}`;
}

function wrongUsage(message: string, hint: string): BerthError {
  return new BerthError('wrong_usage', message, hint);
}
