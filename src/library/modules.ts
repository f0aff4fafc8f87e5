import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isPromised } from '../backends/handlers/waits.ts';
import { handlersProblem, type Handlers } from '../backends/handlers/handlers.ts';
import { BackendProblem } from '../wire/backend-problem.ts';
import type { Gateway, HandlersFactory } from './surface.ts';

/** Loads a module of the user's. Throws a BackendProblem that says why it cannot be used. */
export async function loadModule(file: URL): Promise<Readonly<Record<string, unknown>>> {
  const path = fileURLToPath(file);
  if (!existsSync(path)) throw new BackendProblem(`the module ${path} does not exist`);
  try {
    return (await import(file.href)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new BackendProblem(`the module ${path} cannot be loaded: ${reasonOf(error)}`, { cause: error });
  }
}

/** The handlers of a module: its default export, or the one named `handlers`; what makes them is called. */
export async function handlersIn(file: URL, gateway: Gateway): Promise<Handlers> {
  const loaded = await loadModule(file);
  const exported = loaded['default'] ?? loaded['handlers'];
  const path = fileURLToPath(file);
  if (exported === undefined) throw new BackendProblem(`the module ${path} must export its handlers, by default or as handlers`);
  try {
    return handlersOf(exported as Handlers | HandlersFactory, gateway);
  } catch (error) {
    const reason = error instanceof BackendProblem ? error.message : reasonOf(error);
    throw new BackendProblem(`the module ${path}: ${reason}`, { cause: error });
  }
}

/** Handlers, or what a factory makes of them for this gateway. Throws where they cannot be used. */
export function handlersOf(given: Handlers | HandlersFactory, gateway: Gateway): Handlers {
  const made: unknown = typeof given === 'function' ? given(gateway) : given;
  if (isPromised(made)) throw new BackendProblem('handlers must be made at once, a promise came');
  const problem = handlersProblem(made);
  if (problem !== null) throw new BackendProblem(problem);
  return made as Handlers;
}

/** The first line says it; the stack is in the cause. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
