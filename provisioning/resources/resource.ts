import type { Change } from '../change.ts';
import type { Host } from '../host.ts';

/**
 * One thing that a machine shall have. `check` reads and returns a missing prerequisite as state; `plan` is
 * pure, and `[]` says that the machine is as it shall be.
 */
export type Resource<State = unknown> = {
  /** Unique in the site: kind and name, e.g. `file /etc/hostname`. */
  readonly id: string;
  check(host: Host): Promise<State>;
  plan(state: State): Change[];
  /** What a person should know of this state although nothing is to be changed. */
  notices?(state: State): string[];
};
