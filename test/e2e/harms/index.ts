import { accounts } from './accounts.ts';
import { broken } from './broken.ts';
import type { Harm } from './deed.ts';
import { remote } from './remote.ts';
import { services } from './services.ts';
import { serving } from './serving.ts';

/** Things done all at once. */
export type Batch = {
  title: string;
  harms: Harm[];
  /** Looked at alone, where the rest would only say the same again. */
  only?: boolean;
};

export const batches: Batch[] = [
  { title: 'accounts and files', harms: accounts },
  { title: 'services', harms: services },
  { title: 'what nginx serves', harms: serving },
  { title: 'SSH and certificates', harms: remote },
  { title: 'what does not run', harms: broken, only: true },
];

/** Findings that nothing here can bring about, and why. */
export const exempt: Record<string, string> = {
  'clock.synchronised': 'a container has its host’s clock',
  'offset.clock': 'a container has its host’s clock; a table tells it in scripts/verify.test.ts',
  'sysctl.kernel': 'a container has its host’s kernel',
  'modules.blocked': 'a container has its host’s kernel',
  'updates.security': 'by what Debian has published; a table tells it in provisioning/updates.test.ts',
};
