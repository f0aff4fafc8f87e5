/** What Autobahn|Testsuite's `index.json` says of one case; only what is read here. */
type CaseResult = { readonly behavior: string; readonly behaviorClose: string };

export type Verdict = {
  /** Cases by what Autobahn calls their behaviour: OK, NON-STRICT, INFORMATIONAL, UNIMPLEMENTED, FAILED. */
  readonly byBehavior: ReadonlyMap<string, readonly string[]>;
  /** Cases in which the exchange or the closing handshake failed, with what was wrong. */
  readonly failed: readonly string[];
};

/** What a case may show and still be passed. UNIMPLEMENTED is none of them: every extension of the suite is switched on. */
const PASSED = new Set(['OK', 'NON-STRICT', 'INFORMATIONAL']);

/** Reads the report of one agent. A report without cases is a mistake: a suite that did not run has not passed. */
export function readReport(text: string): Verdict {
  const agents = Object.values(JSON.parse(text) as Record<string, Record<string, CaseResult>>);
  const cases = agents.flatMap((agent) => Object.entries(agent)).toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }));
  if (cases.length === 0) throw new Error('a report of at least one case was wanted, this one has none: see the output of wstest');
  const byBehavior = new Map<string, string[]>();
  for (const [id, { behavior }] of cases) byBehavior.set(behavior, [...(byBehavior.get(behavior) ?? []), id]);
  const failed = cases.flatMap(([id, { behavior, behaviorClose }]) => {
    if (!PASSED.has(behavior)) return [`${id}: ${behavior}`];
    return PASSED.has(behaviorClose) ? [] : [`${id}: ${behavior}, its close ${behaviorClose}`];
  });
  return { byBehavior, failed };
}
