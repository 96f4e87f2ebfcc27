import type { Entry } from '../command.ts';

/** Every word of `berth`, in the order of its help. */
export const entries: Entry[] = [
  {
    word: 'up',
    group: 'Machine',
    summary: 'make the machine, provision it, deploy and prove it all',
    load: () => import('./up.ts'),
  },
  {
    word: 'down',
    group: 'Machine',
    summary: 'stop the machine; its data stays',
    load: () => import('./down.ts'),
  },
  {
    word: 'destroy',
    group: 'Machine',
    summary: 'take the machine and its data away',
    load: () => import('./destroy.ts'),
  },
  {
    word: 'plan',
    group: 'Provision',
    summary: 'say what apply would change, with diffs',
    load: () => import('./plan.ts'),
  },
  {
    word: 'apply',
    group: 'Provision',
    summary: 'bring the machine to what its hosts file says',
    load: () => import('./apply.ts'),
  },
  {
    word: 'verify',
    group: 'Provision',
    summary: 'prove the machine from inside and outside, as it is',
    load: () => import('./verify.ts'),
  },
  {
    word: 'deploy',
    group: 'Release',
    summary: 'bring the last commit live as the next release',
    load: () => import('./deploy.ts'),
  },
  {
    word: 'releases',
    group: 'Release',
    summary: 'what went live when, by whom, and what can come back',
    load: () => import('./releases.ts'),
  },
  {
    word: 'rollback',
    group: 'Release',
    summary: 'bring an earlier release live again',
    load: () => import('./rollback.ts'),
  },
  {
    word: 'restart',
    group: 'Release',
    summary: 'the live release again, as a new one',
    load: () => import('./restart.ts'),
  },
  {
    word: 'scale',
    group: 'Release',
    summary: 'how many of each process run',
    load: () => import('./scale.ts'),
  },
  {
    word: 'config',
    group: 'Release',
    summary: 'variables of the application that only the machine knows',
    load: () => import('./config.ts'),
  },
  {
    word: 'unlock',
    group: 'Release',
    summary: 'end the run that holds the machine',
    load: () => import('./unlock.ts'),
  },
  {
    word: 'ps',
    group: 'Look inside',
    summary: 'the processes that run, with their memory and restarts',
    load: () => import('./ps.ts'),
  },
  {
    word: 'history',
    group: 'Look inside',
    summary: 'every run that changed the machine: who, when, what',
    load: () => import('./history.ts'),
  },
  {
    word: 'backup',
    group: 'Safety net',
    summary: 'make, list, restore and try backups',
    load: () => import('./backup.ts'),
  },
  {
    word: 'status',
    group: 'Look inside',
    summary: 'where it is, what runs there, whether it is healthy',
    load: () => import('./status.ts'),
  },
  {
    word: 'ssh',
    group: 'Look inside',
    summary: 'open a shell on the machine, or run a command there',
    load: () => import('./ssh.ts'),
  },
  {
    word: 'run',
    group: 'Look inside',
    summary: 'run a command once in the live release',
    load: () => import('./run.ts'),
  },
  {
    word: 'psql',
    group: 'Look inside',
    summary: "open the application's database",
    load: () => import('./psql.ts'),
  },
  {
    word: 'logs',
    group: 'Look inside',
    summary: "show the applications' log",
    load: () => import('./logs.ts'),
  },
  {
    word: 'maintenance',
    group: 'Operate',
    summary: 'answer 503 instead of the application, or no longer',
    load: () => import('./maintenance.ts'),
  },
  {
    word: 'notify',
    group: 'Operate',
    summary: 'where the machine posts how deploys and timers ended',
    load: () => import('./notify.ts'),
  },
  {
    word: 'dev',
    group: 'Develop',
    summary: 'run the API on this computer, without a machine',
    load: () => import('./dev.ts'),
  },
];
