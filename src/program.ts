import { type Action, type Asked, type Files, readArguments } from './cli/arguments.ts';
import { beforeExit, END_MS } from './cli/before-exit.ts';
import { askReload, leaveSignals, obeySignals } from './cli/early-signals.ts';
import { EXIT_FAULT, EXIT_USAGE } from './cli/exit-codes.ts';
import { helpText } from './cli/help.ts';
import { journalProblemOf, startProblemOf, type StartProblem } from './cli/start-problem.ts';
import { ConfigError, EXIT_BAD_CONFIG, loadConfig, type Config, type ConfigReport } from './config/load.ts';
import { options } from './config/options.ts';
import { VERSION } from './config/version.ts';
import { DRAIN_MARGIN_MS } from './core/drain.ts';
import { randomName } from './core/ids.ts';
import { EngineRefused } from './engines/index.ts';
import { tryJournal } from './engines/local/journal-trial.ts';
import { linkTo } from './engines/processes/link.ts';
import { supervise, WORKER_VARIABLE, WorkersFailed } from './engines/processes/supervisor.ts';
import { WorkerPost } from './engines/processes/worker.ts';
import { openLog, type OpenLog } from './logs/logger.ts';
import { doNotWait } from './logs/output.ts';
import { readRoutesFile, RoutesFileError } from './routes/file.ts';
import { BackendProblem } from './wire/backend-problem.ts';
import type { ServeSurroundings } from './serve.ts';

const action = readArguments(process.argv.slice(2));
if (typeof action !== 'object') await act(action);
else if ('problem' in action) end({ message: action.problem, exitCode: EXIT_USAGE });
else if ('files' in action) await start(await read(), action.files);
else process.exitCode = await runCommand(action);

async function act(asked: Action): Promise<void> {
  if (asked !== 'serve') leaveSignals();
  switch (asked) {
    case 'help':
      print(helpText(options));
      break;
    case 'version':
      print(`${VERSION}\n`);
      break;
    case 'check-config': {
      const { effective, warnings } = await read();
      for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
      print(
        Object.entries(effective)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
      break;
    }
    case 'serve':
      await start(await read());
  }
}

async function runCommand({ command, argv }: Asked): Promise<number> {
  leaveSignals();
  const { run } = await command.load();
  return run(argv, process.env);
}

/** Whoever reads may leave in the middle, as `head` does. */
function print(text: string): void {
  process.stdout.on('error', () => {});
  process.stdout.write(text);
}

function end({ message, exitCode }: StartProblem): never {
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}

/** The mistakes of the environment and of the routes file together. */
async function read(): Promise<ConfigReport> {
  const problems: string[] = [];
  const report = readConfig(problems);
  const routesFile = report instanceof ConfigError ? report.routesFile : report.config.ROUTES_FILE;
  if (routesFile !== undefined) {
    await readRoutesFile(routesFile).catch((error: unknown) => {
      if (!(error instanceof RoutesFileError)) throw error;
      problems.push(error.message);
    });
  }
  if (report instanceof ConfigError || problems.length > 0) return end({ message: problems.join('\n'), exitCode: EXIT_BAD_CONFIG });
  return report;
}

function readConfig(problems: string[]): ConfigReport | ConfigError {
  try {
    return loadConfig(process.env, { dotenv: true });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(error.message);
    return error;
  }
}

async function start({ config, warnings }: ConfigReport, files: Files | null = null): Promise<void> {
  const number = process.env[WORKER_VARIABLE];
  const base = { pid: process.pid, ...(number !== undefined && { worker: Number(number) }) };
  const log = openLog({ level: config.LOG_LEVEL.toLowerCase(), format: config.LOG_FORMAT, maxBytes: config.LOG_BUFFER_BYTES, base });
  if (number !== undefined) {
    const post = new WorkerPost(linkTo(process), { drain: () => process.exit(), reload: askReload });
    await serveHere(config, log, { post, profiled: files === null ? null : await profile(files, Number(number)) }).catch((error: unknown) =>
      fail(error, log, post),
    );
    return;
  }
  for (const warning of warnings) log.logger.warn({}, warning);
  if (config.JOURNAL_DIR !== undefined) await checkJournal(config.JOURNAL_DIR);
  const served =
    config.WORKERS === 1
      ? serveHere(config, log, { post: null, profiled: files === null ? null : await profile(files, null) })
      : superviseWorkers(config, log);
  await served.catch((error: unknown) => fail(error, log, null));
}

/** Only here: a supervisor, and who asks for help, need nothing of what serves. */
async function serveHere(config: Config, log: OpenLog, surroundings: ServeSurroundings): Promise<void> {
  const { serve } = await import('./serve.ts');
  await serve(config, log, surroundings);
}

/** Each worker profiles itself. What is returned writes the files. */
async function profile(files: Files, worker: number | null): Promise<() => Promise<void>> {
  const { fileProblem, ofWorker, profileWholeLife } = await import('./profiling/whole-life.ts');
  const own = worker === null ? files : ofWorker(files, worker);
  const problem = fileProblem(own);
  if (problem !== null) end({ message: problem, exitCode: EXIT_USAGE });
  return profileWholeLife(own);
}

/** A directory that no journal can use is a mistake of the start; a disk that is full for now is not. */
async function checkJournal(directory: string): Promise<void> {
  await tryJournal(directory).catch((error: unknown) => {
    const problem = journalProblemOf(directory, error);
    if (problem !== null) end(problem);
  });
}

function superviseWorkers(config: Config, log: OpenLog): Promise<void> {
  return supervise({
    workers: config.WORKERS,
    host: config.HOST,
    port: config.PORT,
    controlHost: config.CONTROL_HOST ?? config.HOST,
    controlPort: config.CONTROL_PORT,
    drainLimitMs: config.DRAIN_DELAY_MS + config.DRAIN_MS + DRAIN_MARGIN_MS + END_MS,
    node: config.NODE_NAME ?? randomName(),
    logger: log.logger,
    beforeExit: () => beforeExit(log),
    forked: doNotWait,
    obeys: obeySignals,
    program: process.argv[1] ?? '',
    argv: process.argv.slice(2),
    env: process.env,
  });
}

/** A backend or an extension that cannot be used; where it is code that threw, the log has its stack. */
function mistakeOf(error: unknown, { logger }: OpenLog): StartProblem | null {
  if (!(error instanceof BackendProblem || error instanceof RoutesFileError)) return null;
  if (error.cause !== undefined) logger.error({ err: error.cause }, 'a module cannot be used');
  return { message: error.message, exitCode: EXIT_BAD_CONFIG };
}

/** A mistake of the user is told in one sentence, a fault of ours with its stack. */
async function fail(error: unknown, log: OpenLog, post: WorkerPost | null): Promise<never> {
  const problem =
    error instanceof WorkersFailed || error instanceof EngineRefused ? error : (mistakeOf(error, log) ?? startProblemOf(error));
  if (problem === null) {
    log.logger.fatal({ err: error }, 'a fault of the gateway, it cannot start');
    await beforeExit(log);
    process.exit(EXIT_FAULT);
  }
  await post?.failed(problem.message, problem.exitCode);
  if (post !== null) process.exit(problem.exitCode); // the supervisor tells it, once for all workers
  await beforeExit(log);
  return end(problem);
}
