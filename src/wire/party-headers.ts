/** What HTTP takes in a header's value: visible characters of Latin-1, space and tab (RFC 9110 §5.5). */
const UNFIT = /[^\t\x20-\x7e\x80-\xff]/;

/** Headers that all calls for one party have alike: put together and checked once, not for each call. */
export class PartyHeaders {
  /** Name, value, name, value … */
  readonly list: readonly string[];
  /**
   * As HTTP/1.1 writes them, without the first name and the last line's end: what can stand for the value of the first.
   * Null where a value is unfit: then no two ways may differ in what becomes of it.
   */
  readonly text: string | null;

  constructor(list: readonly string[]) {
    this.list = list;
    this.text = list.length === 0 || list.some((value, at) => at % 2 === 1 && UNFIT.test(value)) ? null : flat(list);
  }
}

/** In one piece: V8 would otherwise put the parts together anew for each call. */
function flat(list: readonly string[]): string {
  let text = list[1] ?? '';
  for (let at = 2; at < list.length; at += 2) text += `\r\n${list[at]}: ${list[at + 1]}`;
  return Buffer.from(text, 'latin1').toString('latin1');
}
