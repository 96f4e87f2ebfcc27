import { BerthError } from './errors.ts';
import type { Host } from './host.ts';
import { type FileState, gone, planWrite, readFileState } from './resources/file.ts';
import type { Resource } from './resources/resource.ts';
import { render } from './template.ts';

/** What is kept on the machine of an application's maintenance. */
export type Maintenance = {
  on: boolean;
  /** ISO 8601, UTC; null: it never was on. */
  since: string | null;
  by: string | null;
  /** Networks that get through, also the next time. */
  allow: string[];
  retryAfterSeconds: number;
  message: string;
};

export type MaintenanceInput = {
  app: string;
  by: string;
  /** null: it ends. */
  on: { allow: string[] | null; retryAfterSeconds: number; message: string } | null;
};

const root = '/etc/berth/maintenance';
const readable = { mode: 0o644, owner: 'root', group: 'root' };
const open = { ...readable, mode: 0o755 };
const proof = ['nginx', '-t', '-q'];
const never: Maintenance = {
  ...{ on: false, since: null, by: null, allow: [] },
  ...{ retryAfterSeconds: 600, message: '' },
};

/** Every application has a variable of its own; its name has no `_`, and nginx takes no `-`. */
export const variableOf = (app: string) => app.replaceAll('-', '_');
export const maintenanceDirectories = (app: string) => [root, `${root}/${app}`];
export const admittedPath = (app: string) => `/etc/nginx/conf.d/berth-maintenance-${app}.conf`;

export async function readMaintenance(host: Host, app: string): Promise<Maintenance> {
  const text = await host.read(`${root}/${app}/state.json`);
  return text === null ? never : (JSON.parse(text) as Maintenance);
}

/** The list of those who get through, as `berth maintenance` left it. */
export function admitted(app: string): Resource<FileState & { allow: string[] }> {
  const path = admittedPath(app);
  return {
    id: `admitted to ${app}`,
    async check(host) {
      const [state, { allow }] = await Promise.all([readFileState(host, path), readMaintenance(host, app)]);
      return { ...state, allow };
    },
    plan: ({ stat, content, allow }) =>
      planWrite(
        {
          ...{ do: 'write', path, content: admittedConf(app, allow), ...readable, before: content },
          proofInPlace: proof,
        },
        stat,
      ),
    inverse: () => ({ goal: gone(path) }),
  };
}

function admittedConf(app: string, allow: string[]): string {
  const networks = allow.map((network) => `  ${network} ".admitted";\n`).join('');
  return render('nginx/maintenance/admitted.conf', { app, variable: variableOf(app), networks });
}

/**
 * Switches maintenance by a file that nginx looks for at each request: no connection notices. Only another list of
 * those who get through is a reload.
 *
 * @throws BerthError `not_applied`, `configuration_refused`
 */
export async function maintenance(
  { app, by, on }: MaintenanceInput,
  { host }: { host: Host },
): Promise<Maintenance> {
  const before = await readMaintenance(host, app);
  const directory = `${root}/${app}`;
  if (!(await host.stat(directory)))
    throw new BerthError('not_applied', `${directory} is not on the machine`, 'run: berth apply');
  const at = { since: new Date().toISOString(), by };
  const now: Maintenance = on
    ? { ...on, on: true, allow: on.allow ?? before.allow, ...(before.on ? since(before) : at) }
    : { ...before, on: false, ...(before.on ? at : since(before)) };
  // A machine that stops in between is under maintenance or not, with whole pages; the state is said last.
  if (on) {
    await admit(host, app, now.allow);
    await writeAnswers(host, directory, now);
    await host.write(`${directory}/on`, '', readable);
  } else await host.remove(`${directory}/on`);
  await host.write(`${directory}/state.json`, `${JSON.stringify(now, null, 2)}\n`, readable);
  return now;
}

function since({ since, by }: Maintenance): Pick<Maintenance, 'since' | 'by'> {
  return { since, by };
}

/** Before the flag, so that nobody who is to get through is ever turned away. */
async function admit(host: Host, app: string, allow: string[]): Promise<void> {
  const path = admittedPath(app);
  const [before, content] = [await host.read(path), admittedConf(app, allow)];
  if (before === content) return;
  await host.write(path, content, readable);
  const { code, stderr } = await host.run(proof);
  if (code !== 0) {
    if (before === null) await host.remove(path);
    else await host.write(path, before, readable);
    throw new BerthError('configuration_refused', `nginx refuses the list:\n${stderr}`, 'correct --allow');
  }
  await host.must(['systemctl', 'reload', 'nginx.service']);
}

/** In a directory whose name is what Retry-After says: nginx knows it from where `current` leads. */
async function writeAnswers(host: Host, directory: string, now: Maintenance): Promise<void> {
  const { message, retryAfterSeconds: seconds } = now;
  const answers = `${directory}/${seconds}`;
  if (!(await host.stat(answers))) await host.mkdir(answers, open);
  const minutes = Math.ceil(seconds / 60);
  const wait = seconds < 90 ? 'a minute' : `${minutes} minutes`;
  const page = render('nginx/maintenance/page.html', { message: escapeHtml(message), wait });
  await host.write(`${answers}/page.html`, page, readable);
  await host.write(`${answers}/problem.json`, problemOf(message), readable);
  await host.link(`${directory}/current`, String(seconds));
  for (const name of await host.list(directory))
    if (/^\d+$/.test(name) && name !== String(seconds)) await host.remove(`${directory}/${name}`);
}

/** RFC 9457; nginx puts the request's id in. */
function problemOf(message: string): string {
  const problem = {
    ...{ type: 'urn:berth:problem:maintenance', title: 'Under maintenance', status: 503, detail: message },
  };
  // No `<` may begin a command of nginx's server side includes.
  const text = JSON.stringify(problem).replaceAll('<', '\\u003c');
  return `${text.slice(0, -1)},"request_id":"<!--# echo var="request_id" -->"}`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
