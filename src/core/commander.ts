import type { Answers, Query } from './commands.ts';

/** Carries out what is asked of every process at once. */
export interface Commander {
  query(query: Query): Promise<Answers>;
}
