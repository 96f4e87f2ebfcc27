import type { Load } from '../provisioning/load.ts';

/** `12.3 requests/s (0.2 % failed, p99 34 ms since its start), pool 2/20, lag 0.6 ms`; empty where nothing is known. */
export function loadText(load: Load | null): string {
  if (!load) return '';
  const { requestsPerSecond, failed, p99Ms, pool, lagMs } = load;
  const since =
    failed === null || p99Ms === null
      ? 'none since its start'
      : `${(failed * 100).toFixed(1)} % failed, p99 ${milliseconds(p99Ms)} since its start`;
  return [
    `${requestsPerSecond.toFixed(1)} requests/s (${since})`,
    ...(pool ? [`pool ${pool.used}/${pool.size}`] : []),
    ...(lagMs === null ? [] : [`lag ${milliseconds(lagMs)}`]),
  ].join(', ');
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
