/** Time as progress reports see it; tests move it by hand. */
export type Clock = {
  /** Milliseconds from any fixed point, never going back. */
  now(): number;
  /** Calls `tick` every `periodMs` without keeping the process alive; returns what stops it. */
  every(periodMs: number, tick: () => void): () => void;
};

export const realClock: Clock = {
  now: () => performance.now(),
  every(periodMs, tick) {
    const timer = setInterval(tick, periodMs).unref();
    return () => clearInterval(timer);
  },
};

/** `3.2s`, `2m05s`. */
export function elapsed(ms: number): string {
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, '0')}s`;
}

/** `12 s ago`, of a time as ISO 8601. */
export function ago(since: string): string {
  return `${Math.max(0, Math.round((Date.now() - Date.parse(since)) / 1000))} s ago`;
}

/** `15:04:05`, by this computer's clock. */
export function timeOfDay(ms: number): string {
  return new Date(ms).toTimeString().slice(0, 8);
}
