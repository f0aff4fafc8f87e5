import type { Command, Outcome, PushOutcome } from './commands.ts';
import type { Observer } from './observer.ts';

/** Counts how a push to one connection is answered, where it was asked for; what came of it passes through. */
export function countPush(observer: Observer, command: Command, outcome: Outcome | Promise<Outcome>): Outcome | Promise<Outcome> {
  if (command.type !== 'push') return outcome;
  if (!(outcome instanceof Promise)) return counted(observer, outcome);
  return outcome.then((late) => counted(observer, late));
}

function counted(observer: Observer, outcome: Outcome): Outcome {
  observer.counted(`push ${(outcome as PushOutcome).type}`, 1);
  return outcome;
}
