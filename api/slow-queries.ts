import type { DefaultContext } from 'koa';
import type { Logger } from 'pino';
import type { Query } from './queries.ts';

/** Logs a query that took longer than `thresholdMs`, with what it was asked for and no value that it was asked with. */
export function slowQueries(log: Logger, thresholdMs: number) {
  return ({ name, sql, bindings, durationMs }: Query, request: DefaultContext | undefined): void => {
    if (thresholdMs === 0 || durationMs < thresholdMs) return;
    const about = {
      request_id: request?.state.requestId,
      method: request?.method,
      route: request?._matchedRoute,
      duration_ms: Math.round(durationMs),
      statement: name,
      sql,
      parameters: bindings.map(shapeOf),
    };
    log.warn(about, 'slow query');
  };
}

/** `string(12)`, `number`, `null`, `date`, `bytes(32)`, `array(3)`: enough to see why a plan was bad. */
export function shapeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return `string(${value.length})`;
  if (value instanceof Uint8Array) return `bytes(${value.length})`;
  if (Array.isArray(value)) return `array(${value.length})`;
  if (value instanceof Date) return 'date';
  return typeof value;
}
