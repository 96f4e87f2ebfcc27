import type { Action } from './events.ts';

/**
 * One thing that the engine does to the machine: plain data, so that it can be shown, compared and recorded.
 * Modes are numbers (0o640), owners and groups are names.
 */
export type Change =
  | WriteChange
  | { do: 'mkdir'; path: string; mode: number; owner: string; group: string }
  | { do: 'attributes'; path: string; mode: number; owner: string; group: string }
  | { do: 'link'; path: string; target: string; before: string | null }
  /** `keepsOriginal`: as of a write. */
  | { do: 'remove'; path: string; keepsOriginal?: boolean }
  | RunChange
  | { do: 'certificate'; path: string; request: CertificateRequest; reason: string; action: Action }
  /** A new release of an application from its live one's slug. */
  | { do: 'release'; app: string; reason: string }
  /** Lets an application in to its vhost of RabbitMQ with the QUEUE_URL that it has by then. */
  | { do: 'admit'; app: string }
  /** Starts the live release, which stands still, and waits until it is healthy. */
  | { do: 'start'; app: string; number: number };

export type WriteChange = {
  do: 'write';
  path: string;
  content: string;
  mode: number;
  owner: string;
  group: string;
  /** The content that stands there now; null: none. Left out of events where `secret`. */
  before: string | null;
  /** Its content is never shown; `note` says what differs instead. */
  secret?: boolean;
  note?: string;
  /** What stands there before Berth's first write is kept, for `berth remove`. */
  keepsOriginal?: boolean;
  /** Its content without what was made up for this plan alone, such as a new secret: what a digest can be of. */
  lasting?: string;
  /** argv of a program that proves the new content; `{}` stands for a file that holds it, before it is live. */
  proof?: readonly string[];
  /** argv of a program that proves the whole configuration with the new content in place; else it is put back. */
  proofInPlace?: readonly string[];
};

export type RunChange = {
  do: 'run';
  argv: readonly string[];
  /** What it is for, where argv does not say it. */
  summary?: string;
  action?: Action;
  input?: string;
  /** Runs as this user instead of root. */
  user?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
  /** Its exit code is not asked for: what it has brought about is. */
  mayFail?: true;
};

export type CertificateRequest =
  | { kind: 'authority'; names: string[]; days: number }
  | { kind: 'server'; names: string[]; days: number; authority: string };

export function actionOf(change: Change): Action {
  switch (change.do) {
    case 'write':
    case 'link':
      return change.before === null ? 'add' : 'change';
    case 'mkdir':
    case 'admit':
      return 'add';
    case 'remove':
      return 'remove';
    case 'run':
      return change.action ?? 'change';
    case 'certificate':
      return change.action;
    default:
      return 'change';
  }
}

/** One line for a person; never holds a file's content. */
export function summarize(change: Change): string {
  switch (change.do) {
    case 'write':
      return `write ${change.path} (${attributes(change)})${change.note ? `: ${change.note}` : ''}`;
    case 'mkdir':
      return `make the directory ${change.path} (${attributes(change)})`;
    case 'attributes':
      return `set ${change.path} to ${attributes(change)}`;
    case 'link':
      return `link ${change.path} → ${change.target}`;
    case 'remove':
      return `remove ${change.path}`;
    case 'run':
      return change.summary ? `${change.summary}: ${change.argv.join(' ')}` : `run ${change.argv.join(' ')}`;
    case 'certificate':
      return `make ${change.path} for ${change.request.names.join(', ')}: ${change.reason}`;
    case 'release':
      return `start a new release of ${change.app}: ${change.reason}`;
    case 'admit':
      return `let ${change.app} in to its vhost of RabbitMQ`;
    case 'start':
      return `start v${change.number} of ${change.app}`;
  }
}

function attributes(change: { mode: number; owner: string; group: string }): string {
  return `${change.mode.toString(8).padStart(4, '0')} ${change.owner}:${change.group}`;
}
