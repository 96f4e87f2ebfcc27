import type { Context } from 'koa';

/** How long the parts of one request take. */
export class ServerTiming {
  readonly #started: number;
  #authMs = 0;
  #queries = 0;
  #queriesMs = 0;

  constructor(started: number) {
    this.#started = started;
  }

  /** Who asks is known, which is the first thing that a route finds out. */
  authenticated(): void {
    this.#authMs = performance.now() - this.#started;
  }

  queried(durationMs: number): void {
    this.#queries += 1;
    this.#queriesMs += durationMs;
  }

  /** As in https://www.w3.org/TR/server-timing/, in milliseconds. */
  toString(): string {
    const total = performance.now() - this.#started;
    return [
      `total;dur=${total.toFixed(1)}`,
      `auth;dur=${this.#authMs.toFixed(1)}`,
      `db;dur=${this.#queriesMs.toFixed(1)};desc="${this.#queries} queries"`,
    ].join(', ');
  }
}

/** Whether a client asks for it by `Prefer: server-timing`, which RFC 7240 lets a server overlook. */
export function prefersTiming({ req }: Context): boolean {
  const { prefer } = req.headers;
  return prefer !== undefined && /(^|[,\s])server-timing($|[,;\s])/i.test(String(prefer));
}

/** Answers it to the signed-in alone: anybody else could tell a known e-mail from an unknown one by it. */
export function answerTiming(ctx: Context): void {
  const { timing, caller } = ctx.state;
  if (timing && caller) ctx.set({ 'Server-Timing': String(timing), 'Preference-Applied': 'server-timing' });
}
