import type { Counter } from '../../core/observer.ts';
import type { Effect, Rules, State } from './state.ts';

/** One step in the making: the state to be, and what is to be done about it. Nobody sees it but the machine. */
export type Work = {
  readonly rules: Rules;
  readonly now: number;
  readonly next: { -readonly [Field in keyof State]: State[Field] };
  readonly effects: Effect[];
};

/** Who has left gets no reply. */
export function reply({ next, effects }: Work, frame: string): void {
  if (next.phase !== 'ended') effects.push({ type: 'reply', frame });
}

export function count({ effects }: Work, counter: Counter): void {
  effects.push({ type: 'count', counter });
}
