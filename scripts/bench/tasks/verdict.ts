/** A task as the database has it in the end. */
export type Outcome = { id: number; status: string; finishedAt: number; effects: number };

/** What became of the tasks that were answered 202. */
export type Verdict = {
  accepted: number;
  /** Done, and its effect is there once. */
  once: number;
  /** Neither done nor failed, or done without its effect. */
  lost: number;
  /** Its effect is there more than once. */
  doubled: number;
  /** Given up, without an effect. */
  failed: number;
  /** Rows beside those: of a request that was repeated by its key and made another one. */
  strangers: number;
};

export function verdictOf(accepted: { id: number }[], outcomes: Outcome[]): Verdict {
  const found = new Map(outcomes.map((outcome) => [outcome.id, outcome]));
  const ids = new Set(accepted.map(({ id }) => id));
  const verdict = { accepted: accepted.length, once: 0, lost: 0, doubled: 0, failed: 0 };
  for (const { id } of accepted) verdict[endOf(found.get(id))] += 1;
  return { ...verdict, strangers: outcomes.filter(({ id }) => !ids.has(id)).length };
}

function endOf(outcome: Outcome | undefined): 'once' | 'lost' | 'doubled' | 'failed' {
  if (outcome && outcome.effects > 1) return 'doubled';
  if (outcome?.status === 'done' && outcome.effects === 1) return 'once';
  return outcome?.status === 'failed' && outcome.effects === 0 ? 'failed' : 'lost';
}
