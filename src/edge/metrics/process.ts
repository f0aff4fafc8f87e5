import { monitorEventLoopDelay, performance, type EventLoopUtilization } from 'node:perf_hooks';
import { counter, type Family, gauge, sample } from './family.ts';

const NANOSECONDS = 1e9;
const RESOLUTION_MS = 20;
const QUANTILES = [0.5, 0.9, 0.99] as const;

/** What the machine gives to this process, and how its event loop fares. */
export class ProcessWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #loopFrom: EventLoopUtilization = performance.eventLoopUtilization();
  readonly #startedAt = Date.now() - performance.now();
  readonly #version: string;

  constructor(version: string) {
    this.#version = version;
    this.#delay.enable();
  }

  stop(): void {
    this.#delay.disable();
  }

  /** The delays are those since the last look. */
  families(): Family[] {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    return [
      gauge({ name: 'wsaas_processes', help: 'Processes that this answer speaks for.' }, [sample(1)]),
      gauge(
        { name: 'wsaas_build_info', help: 'The version of the gateway and of Node.' },
        [sample(1, { version: this.#version, node: process.versions.node })],
        'first',
      ),
      gauge(
        { name: 'wsaas_process_start_time_seconds', help: 'When the oldest of the processes started, since the epoch.' },
        [sample(this.#startedAt / 1000)],
        'min',
      ),
      seconds('wsaas_process_cpu_user_seconds_total', 'CPU time of the program itself.', user / 1e6),
      seconds('wsaas_process_cpu_system_seconds_total', 'CPU time of the kernel for it.', system / 1e6),
      seconds('wsaas_event_loop_active_seconds_total', 'Time in which event loops were not waiting.', this.#activeMs() / 1000),
      bytes('wsaas_process_resident_memory_bytes', 'Memory that is in RAM.', rss),
      bytes('wsaas_process_heap_used_bytes', "V8's heap in use.", heapUsed),
      bytes('wsaas_process_heap_total_bytes', "V8's heap.", heapTotal),
      bytes('wsaas_process_external_memory_bytes', "Memory of objects outside of V8's heap, buffers included.", external),
      bytes('wsaas_process_array_buffers_bytes', 'Memory of buffers.', arrayBuffers),
      gauge(
        {
          name: 'wsaas_event_loop_delay_seconds',
          help: 'How late the event loop was since the last scrape, beyond 20 ms; quantile 1 is the longest, of several workers the worst.',
        },
        this.#delays(),
        'max',
      ),
    ];
  }

  #activeMs(): number {
    return performance.eventLoopUtilization().active - this.#loopFrom.active;
  }

  #delays() {
    const delay = this.#delay;
    const isEmpty = delay.count === 0;
    const values = [
      ...QUANTILES.map((quantile) =>
        sample(isEmpty ? 0 : latenessSeconds(delay.percentile(quantile * 100)), { quantile: String(quantile) }),
      ),
      sample(isEmpty ? 0 : latenessSeconds(delay.max), { quantile: '1' }),
    ];
    delay.reset();
    return values;
  }
}

function bytes(name: string, help: string, value: number): Family {
  return gauge({ name, help }, [sample(value)]);
}

function seconds(name: string, help: string, value: number): Family {
  return counter({ name, help }, [sample(value)]);
}

/** The timer that is watched rings every RESOLUTION_MS at best. */
function latenessSeconds(nanoseconds: number): number {
  return Math.max(0, nanoseconds / NANOSECONDS - RESOLUTION_MS / 1000);
}
