/**
 * How the operator's side tells a person (or a script, with `--json`) what is going on.
 * `scripts/render.ts` implements it; everything else only calls it.
 */
export type Report = {
  /** Runs `work` under a title: live progress with elapsed time on a terminal, plain lines otherwise. */
  step<T>(title: string, work: (detail: (text: string) => void) => Promise<T>): Promise<T>;
  /** One line of information. */
  note(text: string): void;
};

/** A report that shows no steps, for tests and measures, and hands its notes on if asked. */
export function quietReport(note: Report['note'] = () => {}): Report {
  return { step: (_title, work) => work(() => {}), note };
}
