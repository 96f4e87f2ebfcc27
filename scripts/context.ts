import { join, resolve } from 'node:path';
import { BerthError } from '../provisioning/errors.ts';
import { ask } from './ask.ts';
import type { Context, Flags } from './command.ts';
import { hostsOf, severalHosts } from './fleet.ts';
import type { Io } from './io.ts';
import { kindHere } from './machines/kind-here.ts';
import type { Machine, Reach } from './machines/machine.ts';
import type { Renderer } from './render.ts';
import type { HostFile } from './settings.ts';

export type MachinePlace = { root: string; stateDirectory: string; signal: AbortSignal };

/** What a run gets from outside besides its Io; tests put their own machine here. */
export type Edge = {
  root: string;
  signal: AbortSignal;
  openMachine(file: HostFile, place: MachinePlace): Promise<Machine>;
};

/** What the hosts of one run have in common. */
export type Shared = Pick<Context, 'turn' | 'atEnd'>;

type Parts = { io: Io; report: Renderer; flags: Flags; edge: Edge; shared: Shared };

export function createContext({ io, report, flags, edge, shared }: Parts): Context {
  const { root, signal } = edge;
  const stateDirectory = resolve(io.cwd, io.env.BERTH_STATE || join(root, '.berth'));
  const hosts = hostsOf(flags.host);
  const hostFile = cached(async () => {
    if (hosts.length > 1) throw severalHosts(hosts);
    const { readHostFile } = await import('./hosts.ts');
    return readHostFile(
      root,
      flags.host,
      kindHere(stateDirectory, flags.host) ?? flags.machine ?? 'container',
    );
  });
  const appNames = async () => Object.keys((await hostFile()).settings.apps);
  const machine = cached(async () => edge.openMachine(await hostFile(), { root, stateDirectory, signal }));
  const reach = cached(async () => reachOf(await machine(), flags.host));
  const forHost = (host: string): Context =>
    createContext({ io, report: report.forHost(host), flags: { ...flags, host }, edge, shared });
  const context: Context = {
    io,
    report,
    flags,
    root,
    stateDirectory,
    signal,
    ...shared,
    hosts,
    forHost: (host) => (hosts.length === 1 ? context : forHost(host)),
    onMachine: (machine) => createContext({ io, report, flags: { ...flags, machine }, edge, shared }),
    confirm: (question, answer = 'yes', instead = '--yes') =>
      confirm({ io, signal, question, answer, instead, given: flags.yes && instead === '--yes' }),
    hostFile,
    machine,
    reach,
    app: async () => chosenApp(flags.app, await appNames()),
    apps: async () => (flags.app === undefined ? appNames() : [chosenApp(flags.app, await appNames())]),
    settings: cached(async () => {
      const { resolveSettings } = await import('./settings.ts');
      return resolveSettings(await hostFile(), await reach());
    }),
  };
  return context;
}

/** `close` is called once, at the end of the run. */
export function createShared(): { shared: Shared; close: () => Promise<void> } {
  const closers: (() => Promise<void>)[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const turn = <T>(ask: () => Promise<T>): Promise<T> => {
    const mine = last.then(ask);
    last = mine.catch(() => {});
    return mine;
  };
  return {
    shared: { turn, atEnd: (close) => void closers.push(close) },
    close: async () => void (await Promise.allSettled(closers.map((each) => each()))),
  };
}

function chosenApp(wanted: string | undefined, names: string[]): string {
  const [first] = names;
  const choices = names.join(', ');
  if (wanted !== undefined) {
    if (names.includes(wanted)) return wanted;
    throw new BerthError(
      'unknown_app',
      `the hosts file names no application ${wanted}`,
      `choose one of: ${choices}`,
    );
  }
  if (first !== undefined && names.length === 1) return first;
  throw new BerthError(
    'app_ambiguous',
    `the hosts file names several applications: ${choices}`,
    'add --app <name>',
  );
}

/** Throws before ssh would wait for its timeout: a machine that is switched off is an everyday state. */
async function reachOf(machine: Machine, host: string): Promise<Reach> {
  const state = await machine.state();
  if (state === 'running') return machine.reach();
  const hint =
    machine.kind === 'ssh'
      ? 'switch it on, or check machine.host in its hosts file'
      : `berth up --host ${host}`;
  if (state === 'stopped')
    throw new BerthError('machine_stopped', `the machine ${host} is switched off`, hint);
  throw new BerthError('machine_absent', `there is no machine ${host} yet`, hint);
}

type Question = {
  io: Io;
  signal: AbortSignal;
  question: string;
  answer: string;
  /** The flag that answers instead of a person; `given`: it was. */
  instead: string;
  given: boolean;
};

async function confirm({ io, signal, question, answer, instead, given }: Question): Promise<void> {
  if (given) return;
  if (io.stdin.isTTY !== true) {
    throw new BerthError(
      'confirmation_needed',
      `${question} Nobody is at a terminal to answer.`,
      instead === '--yes' ? 'add --yes to answer with yes' : `say ${instead} to answer beforehand`,
    );
  }
  const typed = await ask({ io, signal }, `${question} Type ${answer} to go on`, '');
  if (typed === answer) return;
  throw new BerthError(
    'confirmation_declined',
    `answered ${JSON.stringify(typed)}, nothing was done`,
    `type ${answer} to go on`,
  );
}

function cached<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
