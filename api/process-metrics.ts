import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';

const SAMPLE_MS = 100;

/** prom-client's own: they begin anew whenever anybody reads them, and hold the pause between two samples. */
const MISLEADING = ['', '_min', '_max', '_mean', '_stddev', '_p50', '_p90', '_p99'];

/** Measures the process itself: CPU, memory, garbage, files, and how busy and how late its event loop is. */
export function measureProcess(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const part of MISLEADING) registry.removeSingleMetric(`nodejs_eventloop_lag${part}_seconds`);
  measureLag(registry);
  measureUtilization(registry);
  const processes = new Gauge({
    name: 'api_processes',
    help: 'Processes whose metrics these are.',
    registers: [registry],
  });
  processes.set(1);
}

/** As a histogram, so that it can be added up over processes and read over any time. */
function measureLag(registry: Registry): void {
  const lag = new Histogram({
    name: 'nodejs_eventloop_delay_seconds',
    help: `How late a timer is, asked every ${SAMPLE_MS} ms.`,
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    registers: [registry],
  });
  let due = performance.now() + SAMPLE_MS;
  setInterval(() => {
    const now = performance.now();
    lag.observe(Math.max(0, now - due) / 1000);
    due = now + SAMPLE_MS;
  }, SAMPLE_MS).unref();
}

function measureUtilization(registry: Registry): void {
  for (const state of ['active', 'idle'] as const) {
    new Counter({
      name: `nodejs_eventloop_${state}_seconds_total`,
      help: `Seconds that the event loop was ${state}; active / (active + idle) is its utilisation.`,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(performance.eventLoopUtilization()[state] / 1000);
      },
    });
  }
}
