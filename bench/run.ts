import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pidOf } from '../test/support/signals.ts';
import type { FromLoad, LoadOrder, LoadReport, ToLoad } from './load/order.ts';
import { canPin, GENERATOR_CORE, nodeCommand, startTarget, type Running, type Target } from './target.ts';

const LOAD = fileURLToPath(new URL('load/main.ts', import.meta.url));

export type RunOptions = {
  readonly order: LoadOrder;
  readonly isPinned: boolean;
  readonly withProbe: boolean;
  readonly profileFolder: string | null;
  /** The longest it may take; then both processes are ended and the run has failed. */
  readonly limitMs: number;
  /** Looks at the processes while the generator waits. */
  readonly onMark: (name: string, look: Look) => Promise<void> | void;
};

export type Look = { readonly target: Running; readonly generatorPid: number };

/** One run: a target of its own, a load generator of its own, both ended afterwards. */
export async function run(target: Target, options: RunOptions): Promise<LoadReport> {
  const isPinned = options.isPinned && canPin;
  const [command, args] = nodeCommand([LOAD, JSON.stringify(options.order)], isPinned ? GENERATOR_CORE : null);
  const generator = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const send = (message: ToLoad): void => void generator.send(message);
  const limit = setTimeout(() => generator.kill('SIGKILL'), options.limitMs);
  let running: Running | null = null;

  const hear = async (message: FromLoad): Promise<LoadReport | null> => {
    switch (message.type) {
      case 'listening':
        running = await startTarget(target, { ...options, backendPort: message.backendPort, isPinned });
        send({ type: 'start', gatewayPort: running.port });
        return null;
      case 'mark':
        if (running === null) throw new Error(`mark ${message.name} came before the target ran`);
        await options.onMark(message.name, { target: running, generatorPid: pidOf(generator) });
        send({ type: 'go' });
        return null;
      case 'report':
        return message.report;
    }
  };

  try {
    return await new Promise<LoadReport>((resolve, reject) => {
      generator.on('error', reject);
      generator.on('exit', (code, signal) => {
        const words = running?.lastWords() ?? '';
        reject(new Error(`the generator ended with ${signal ?? code} and no report; the log of ${target.name} ends: ${words}`));
      });
      generator.on('message', (message: FromLoad) => {
        hear(message).then((report) => report && resolve(report), reject);
      });
    });
  } finally {
    clearTimeout(limit);
    generator.kill('SIGKILL');
    await (running as Running | null)?.stop();
  }
}
