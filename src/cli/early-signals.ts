const ENDS = ['SIGTERM', 'SIGINT'] as const;

let reload: (() => void) | null = null;
let isReloadAsked = false;

/**
 * Until somebody obeys them: SIGTERM and SIGINT end the process at once, as there is nobody yet to say goodbye to, and a SIGHUP is kept.
 * Without this, process 1 of a container would ignore the first two, serve later all the same and be killed, and any other would die of the third.
 */
export function hearSignals(): void {
  for (const signal of ENDS) process.on(signal, end);
  process.on('SIGHUP', askReload);
}

/** To be called when there are other listeners for what ends. `onReload` is called for each SIGHUP from now on, and at once if one came before. */
export function obeySignals(onReload: () => void): void {
  for (const signal of ENDS) process.off(signal, end);
  reload = onReload;
  if (isReloadAsked) onReload();
}

/** They mean again what they mean to any program. */
export function leaveSignals(): void {
  for (const signal of ENDS) process.off(signal, end);
  process.off('SIGHUP', askReload);
}

export function askReload(): void {
  if (reload === null) isReloadAsked = true;
  else reload();
}

function end(signal: NodeJS.Signals): never {
  process.stderr.write(`${signal} came before it served: it ends\n`);
  process.exit();
}
