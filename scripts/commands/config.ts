import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ConfigInput, ConfigResult, Variable } from '../../provisioning/config.ts';
import { isOfKeys } from '../../provisioning/environment.ts';
import { BerthError } from '../../provisioning/errors.ts';
import type { Event } from '../../provisioning/events.ts';
import type { Command, Context, Input } from '../command.ts';
import { parseDotenv } from '../dotenv.ts';
import { EXIT } from '../exit-codes.ts';
import { readHidden } from '../hidden.ts';
import { openMachineSide } from '../machine-side.ts';
import { parseDuration } from '../settings/units.ts';
import { table } from '../table.ts';
import { neutral } from '../terminal.ts';
import { requireNames, requireValues } from '../variables.ts';

export const command: Command = {
  arguments: [
    ['[action]', 'get, set, unset, import or rotate-keys; left out: list the variables without their values'],
    ['[name...]', 'names of variables; of import: the file'],
  ],
  options: [
    ['--from-file <path>', "set: the value is this file's content"],
    [
      '--keep <time>',
      'rotate-keys: how long a replaced key verifies, longer than tokens live (default: 24h)',
    ],
  ],
  examples: [
    ['berth config', 'every variable and who has set it; values that may be secret are masked'],
    ['berth config set SMTP_PASSWORD', 'ask for its value without showing it; a new release takes it'],
    ['berth config set SMTP_PASSWORD <secret.txt', 'the value from standard input'],
    ['berth config set KEY OTHER <values.txt', 'a line of the input for each'],
    ['berth config import .env', 'every variable of a file'],
    ['berth config get SMTP_PASSWORD', 'print its value'],
    ['berth config unset SMTP_PASSWORD', 'forget it'],
    ['berth config rotate-keys', 'sign with a new key of JWT_KEYS from now on, and sign nobody out'],
    ['berth config rotate-keys --keep 0s', 'the same after a leak: no older key verifies any more'],
  ],
  async run(context, input) {
    const [action = 'list', ...names] = input.args;
    const act = actions[action];
    if (!act)
      throw wrongUsage(
        `berth config knows no ${action}`,
        'say get, set, unset, import or rotate-keys, or nothing',
      );
    if (input.options.fromFile !== undefined && action !== 'set')
      throw wrongUsage('--from-file is for berth config set', 'leave it out');
    if (input.options.keep !== undefined && action !== 'rotate-keys')
      throw wrongUsage('--keep is for berth config rotate-keys', 'leave it out');
    await act(context, names, input.options);
    return EXIT.done;
  },
};

type Act = (context: Context, names: string[], options: Input['options']) => Promise<void>;

const actions: Record<string, Act> = {
  list,
  get,
  set,
  unset,
  import: importFile,
  'rotate-keys': rotateKeys,
};

async function list(context: Context): Promise<void> {
  const settings = await context.settings();
  const app = await context.app();
  const side = await openMachineSide(context);
  const variables = await side.ask<Variable[]>('configuration', { settings, app });
  for (const variable of variables) context.report.data({ type: 'variable', app, ...variable });
  const rows = variables.map(({ name, source, value }) => [name, value ?? '********', says[source]]);
  context.report.print(table(['NAME', 'VALUE', 'SET BY'], rows));
}

const says: Record<Variable['source'], string> = {
  berth: 'Berth',
  'hosts file': 'the hosts file',
  machine: 'the machine, once',
  config: 'berth config',
};

async function get(context: Context, names: string[]): Promise<void> {
  const [name, ...others] = names;
  if (name === undefined || others.length > 0) throw wrongUsage('get wants one name', 'name one variable');
  const app = await context.app();
  const side = await openMachineSide(context);
  const { value } = await side.ask<{ value: string }>('variable', { app, name });
  context.report.data({ type: 'variable', app, name, value });
  context.report.print(`${context.io.stdout.isTTY ? neutral(value) : value}\n`);
}

async function set(context: Context, names: string[], { fromFile }: Input['options']): Promise<void> {
  const given = names.find((name) => name.includes('='));
  if (given !== undefined) throw valueInArgv(given.slice(0, given.indexOf('=')));
  if (names.length === 0) throw wrongUsage('set wants the name of a variable', 'berth config set NAME');
  const app = await appSettings(context);
  requireNames(app, names);
  const values =
    typeof fromFile === 'string'
      ? await fromOneFile(context, names, fromFile)
      : await readHidden(context, names);
  requireValues(values);
  await change(context, values, []);
}

async function fromOneFile(context: Context, names: string[], path: string): Promise<Record<string, string>> {
  const [name, ...others] = names;
  if (others.length > 0)
    throw wrongUsage('--from-file is for one variable', 'set them one by one, or import');
  return { [name as string]: (await readText(context, path)).replace(/\r?\n$/, '') };
}

async function unset(context: Context, names: string[]): Promise<void> {
  if (names.length === 0) throw wrongUsage('unset wants the name of a variable', 'berth config unset NAME');
  await change(context, {}, names);
}

async function importFile(context: Context, names: string[]): Promise<void> {
  const [path, ...others] = names;
  if (path === undefined || others.length > 0)
    throw wrongUsage('import wants one file', 'berth config import .env');
  const values = parseDotenv(await readText(context, path), path);
  requireNames(await appSettings(context), Object.keys(values));
  requireValues(values);
  await change(context, values, []);
}

async function appSettings(context: Context) {
  const app = (await context.settings()).apps[await context.app()];
  if (app) return app;
  throw new BerthError('unknown_app', 'the hosts file has no such application', 'add it to apps');
}

async function rotateKeys(
  context: Context,
  names: string[],
  { keep = '24h' }: Input['options'],
): Promise<void> {
  const app = await appSettings(context);
  const [name, ...others] = names.length > 0 ? names : app.secrets.filter(isOfKeys);
  if (name === undefined || others.length > 0)
    throw wrongUsage(
      'rotate-keys wants the name of one variable of keys',
      'berth config rotate-keys JWT_KEYS',
    );
  requireNames(app, [name]);
  await change(context, {}, [], { name, keepMs: keepMs(String(keep)) });
}

function keepMs(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw wrongUsage(`--keep ${text} ${(error as Error).message}`, 'give a time such as 24h');
  }
}

async function change(
  context: Context,
  values: Record<string, string>,
  unset: string[],
  rotate?: ConfigInput['rotate'],
): Promise<void> {
  const { report } = context;
  const settings = await context.settings();
  const app = await context.app();
  const { runtime, by, change } = await openMachineSide(context);
  const input = { settings, app, runtime, by, set: values, unset, ...(rotate && { rotate }) };
  const onEvent = (event: Event) => report.event('config', event);
  const { changed, release } = await report.step('brings the configuration live', () =>
    change<ConfigResult>('config', input, onEvent),
  );
  const made = release === null ? null : `v${release}`;
  report.data({ type: 'release', app, release: made, changed });
  const waits = `${app} has no release yet; the first deploy takes it\n`;
  if (!changed) report.print(`the configuration of ${app} says so already, nothing to do\n`);
  else report.print(made === null ? waits : `${app} ${made} is live\n`);
}

async function readText({ io }: Context, path: string): Promise<string> {
  try {
    return await readFile(resolve(io.cwd, path), 'utf8');
  } catch (error) {
    throw wrongUsage(`${path} cannot be read: ${(error as Error).message}`, 'name a file that you can read');
  }
}

function valueInArgv(name: string): BerthError {
  return new BerthError(
    'value_in_argv',
    `${name} was given with its value, which the process list and your shell's history show to others`,
    `say berth config set ${name} and type it when asked, or send it to standard input; if it is secret, replace it`,
  );
}

function wrongUsage(message: string, hint: string): BerthError {
  return new BerthError('wrong_usage', message, hint);
}
