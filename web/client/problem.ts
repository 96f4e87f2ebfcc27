import type { components } from './contract.d.ts';

export type Problem = components['schemas']['Problem'];

/** What the API, or nginx before it, has refused (RFC 9457). */
export class Refusal extends Error {
  override name = 'Refusal';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }

  /** Whether it is the problem of this name, such as `email_taken`. */
  is(code: string): boolean {
    return this.problem.type === `urn:berth:problem:${code}`;
  }
}

/** The data of an answer with its response; throws a {@link Refusal} for any but a success. */
export async function must<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<{ data: Data; response: Response }> {
  const { data, error, response } = await call.catch(unreachable);
  if (response.ok) return { data: data as Data, response };
  throw new Refusal(isProblem(error) ? error : plain(response.status));
}

function unreachable(cause: unknown): never {
  if (!(cause instanceof TypeError)) throw cause;
  throw new Refusal({ ...plain(0), detail: 'The server cannot be reached.' });
}

function isProblem(error: unknown): error is Problem {
  return typeof error === 'object' && error !== null && 'title' in error;
}

function plain(status: number): Problem {
  return { type: 'about:blank', title: `The server answered ${status}.`, status, request_id: '' };
}
