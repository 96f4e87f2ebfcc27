import type { Change } from '../change.ts';
import type { Host } from '../host.ts';

export type Risk = {
  /**
   * Every file, symlink or directory that its changes touch; of a directory its mode and owner. `/etc/x.d/*` stands for
   * whatever is in that directory by then.
   */
  paths: string[];
  /** argvs that make running programs go by those files again, once they are back. */
  restore: string[][];
};

/**
 * Something that shall hold on a machine. `check` reads and returns a missing prerequisite as state; `plan` is pure,
 * and `[]` says that it holds.
 */
export type Goal<State = unknown> = {
  /** Unique in the site: kind and name, e.g. `file /etc/hostname`. */
  readonly id: string;
  check(host: Host): Promise<State>;
  plan(state: State): Change[];
  /** Its changes could lock people out: they come last, and come back unless a new login confirms them. */
  readonly risky?: Risk;
  /** What a person should know of this state although nothing is to be changed. */
  notices?(state: State): string[];
  /** Those of its changes that tell of somebody's hand; left out: all. The rest comes with time or waits for a command. */
  byHand?(changes: Change[]): Change[];
  /** What Berth's own runs leave behind, another's plan too: no drift, and nothing that makes a plan stale. */
  readonly incidental?: true;
};

/** One thing that a machine shall have, and how it is taken away again. */
export type Resource<State = unknown> = Goal<State> & {
  /** How `berth remove` undoes it; `purge`: data goes too. */
  inverse(options: { purge: boolean }): Inverse;
};

export type Inverse = {
  /** What shall hold instead; brought about in the site's reverse order. */
  goal?: Goal;
  /** What has to wait until every file is gone, in the site's order. */
  last?: Goal;
  /** What the removal itself needs until its very end. */
  end?: Goal;
  /** What is left of it, in a few words for a person. */
  stays?: string;
};

/** Resources that stay when Berth goes; `what` they are to a person. */
export function staying(what: string, resources: Resource[]): Resource[] {
  return resources.map((resource) => ({ ...resource, inverse: () => ({ stays: what }) }));
}

/** Resources that the removal of all others runs from, or is guarded by. */
export function atTheEnd(resources: Resource[]): Resource[] {
  return resources.map((resource) => ({
    ...resource,
    inverse(options) {
      const { goal } = resource.inverse(options);
      return goal ? { end: goal } : {};
    },
  }));
}

/** The same resource, what it changes guarded, also when it is taken away again. */
export function risky(risk: Risk, resource: Resource): Resource {
  const inverse: Resource['inverse'] = (options) => {
    const { goal, last, ...rest } = resource.inverse(options);
    const guarded = (goal: Goal) => ({ ...goal, risky: risk });
    return { ...rest, ...(goal && { goal: guarded(goal) }), ...(last && { last: guarded(last) }) };
  };
  return { ...resource, risky: risk, inverse };
}
