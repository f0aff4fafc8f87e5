import type { Meter } from '../../core/meter.ts';
import type { Observers } from '../../core/observer.ts';
import type { Clock } from '../../core/ports.ts';
import type { Figures, Question, Seen, Standing } from '../../core/sightings.ts';
import { LoopDelay } from './loop-delay.ts';
import type { ShownPayloads } from './payloads.ts';
import { Recorder } from './recorder.ts';
import { Watches } from './watches.ts';

export type ObservatoryOptions = {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly observers: Observers;
  readonly payloads: ShownPayloads;
  /** How many ends are remembered. */
  readonly ends: number;
};

/** Answers, for one process, those who watch it: people at a console or a terminal, by way of any process of the cluster. */
export class Observatory {
  readonly #meter: Meter;
  readonly #recorder: Recorder;
  readonly #watches: Watches;
  readonly #loopDelay = new LoopDelay();

  constructor({ clock, meter, observers, payloads, ends }: ObservatoryOptions) {
    this.#meter = meter;
    this.#recorder = new Recorder({ clock, ends });
    observers.attach(this.#recorder);
    const changed = (isWatched: boolean): void => (isWatched ? this.#loopDelay.start() : this.#loopDelay.stop());
    this.#watches = new Watches({ clock, observers, payloads, changed });
  }

  answer(question: Question, standing: Standing): Seen {
    switch (question.type) {
      case 'watch': {
        const taken = this.#watches.take(question.watch, question.filter);
        return { ...taken, figures: question.wantsFigures && taken.problem === null ? this.#figures(standing) : null };
      }
      case 'ends':
        return { ...NOTHING, sightings: this.#recorder.ends(question.limit, question.id, question.code) };
      case 'failures':
        return { ...NOTHING, sightings: this.#recorder.failures(question.limit) };
    }
  }

  stop(): void {
    this.#watches.stop();
  }

  #figures(standing: Standing): Figures {
    const { messagesReceived, pushesSent, bytesReceived, bytesSent } = this.#meter;
    return {
      ...standing,
      messagesReceived,
      pushesSent,
      bytesReceived,
      bytesSent,
      spans: this.#watches.spans.counts,
      loopDelayMs: this.#loopDelay.ms,
      memoryBytes: process.memoryUsage.rss(),
      uptimeSeconds: Math.floor(process.uptime()),
    };
  }
}

const NOTHING: Seen = { sightings: [], missed: 0, figures: null, problem: null };
