import { ask, Refused } from './api.js';

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;
/** A stream that says nothing for so long is broken: the gateway keeps it alive. */
const SILENCE_MS = 30_000;

/**
 * Server-sent events over `fetch`, which can carry the token (EventSource cannot). `on` is called with each event and its
 * data; `changed` with `live`, `waiting`, or the error that made it give up. Returns what ends it.
 */
export function follow(parameters, { on, changed }) {
  const leaving = new AbortController();
  void run();
  return () => leaving.abort();

  async function run() {
    for (let waitMs = FIRST_WAIT_MS; !leaving.signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      try {
        await once(() => {
          waitMs = FIRST_WAIT_MS;
          changed('live');
        });
      } catch (error) {
        if (leaving.signal.aborted) return;
        if (error instanceof Refused && error.status !== 503) return changed(error);
      }
      if (leaving.signal.aborted) return;
      changed('waiting');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }

  async function once(opened) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value));
    const silence = new AbortController();
    const response = await ask(`console/events?${query}`, { signal: AbortSignal.any([leaving.signal, silence.signal]) });
    opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const timer = setTimeout(() => silence.abort(), SILENCE_MS);
      const { value, done } = await reader.read();
      clearTimeout(timer);
      if (done) return;
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      for (const block of blocks) tell(block);
    }
  }

  function tell(block) {
    const [, event, data] = /^event: (.+)\ndata: (.*)$/.exec(block) ?? [];
    if (event !== undefined) on(event, JSON.parse(data));
  }
}
