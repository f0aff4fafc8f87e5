/** Tables that strangers fill must have an end, in entries and in what an entry costs. */
const MAX_ENTRIES = 10_000;
const MAX_LENGTH = 256;

/** A pure judgement on short texts that come again and again, each judged once; what it says must be small. */
export function remembered<Verdict extends string | boolean | null>(judge: (text: string) => Verdict): (text: string) => Verdict {
  const known = new Map<string, Verdict>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const verdict = judge(text);
    if (known.size >= MAX_ENTRIES) known.clear();
    if (text.length <= MAX_LENGTH) known.set(text, verdict);
    return verdict;
  };
}
