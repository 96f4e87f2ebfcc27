/**
 * What the machine's side says on its standard output: one JSON object a line (NDJSON), ended by one `result`.
 * Everything that may hold a secret is redacted before it becomes an event.
 */
export type Event =
  /** A resource differs from what the settings say. */
  | {
      type: 'planned';
      resource: string;
      action: Action;
      changes: ChangeView[];
      /** It comes back unless a new login confirms it. */
      risky?: true;
    }
  /** A resource's changes begin. */
  | { type: 'applying'; resource: string }
  /** A resource's changes are made and were found in place by a second check. */
  | { type: 'applied'; resource: string; action: Action; seconds: number }
  /** What a long step is doing just now, one short line. */
  | { type: 'progress'; text: string }
  /** A line that a build prints, as it is; a pusher sees it. */
  | { type: 'output'; text: string }
  /** Worth knowing, not a failure; kept in the closing summary. */
  | { type: 'notice'; text: string }
  /** A line of nginx's access log, as it stands there. */
  | { type: 'access'; line: string }
  | { type: 'result'; ok: true; value: unknown }
  | { type: 'result'; ok: false; error: ErrorView };

export type Action = 'add' | 'change' | 'remove';

export type ChangeView = {
  /** One line, e.g. `write /etc/hostname (0644 root:root)`. */
  summary: string;
  /** A unified diff of a text file's change; absent where there is none to show. */
  diff?: string;
};

export type ErrorView = { code: string; message: string; hint: string };

/** The value of the `result` of `plan` and `apply`. */
export type ApplySummary = {
  /** How many resources the site has. */
  resources: number;
  add: number;
  change: number;
  remove: number;
  seconds: number;
  /** Risky changes were made: the machine takes them back unless they are confirmed. */
  guarded?: Guarded;
};

export type Guarded = {
  id: string;
  /** ISO 8601, UTC, by the machine's clock. */
  until: string;
  withinMs: number;
};
