import { statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { pino, type Logger } from 'pino';
import { createApp, type App } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { drain } from '../core/drain.ts';
import { randomName } from '../core/ids.ts';
import { systemClock } from '../core/system-clock.ts';
import { readRoutesFile, RoutesFileError } from '../routes/file.ts';
import { TemplateError } from '../templates/notes.ts';
import { developmentCertificate } from './certificate.ts';
import { type Front, openFront } from './front.ts';
import type { Output } from './output.ts';
import { type Project, type ProjectOptions, readProject } from './project.ts';
import { WatchedTarget } from './ran.ts';
import { Watch } from './watch.ts';
import { openWorkspace, type Workspace } from './workspace.ts';

export type SessionOptions = ProjectOptions & {
  /** Where clients, and the handlers' own calls, come in. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly output: Output;
};

/** What `wsaas dev` is between its start and Ctrl-C. */
export type Session = {
  /** Where clients of each API connect, by its name. */
  readonly urls: ReadonlyMap<string, string>;
  /** Clients are told goodbye, and their $disconnect runs. */
  readonly close: () => Promise<void>;
};

/** What handlers are made of; what else they write into their folder, data say, is theirs. */
const CODE = /\.(?:[cm]?[jt]sx?|json|wasm|node)$/;
/** What handlers call the machine that they run on. */
const HOSTNAME = 'localhost';
const LOOPBACK = '127.0.0.0/8,::1/128';

/** Reads the template and serves it. Rejects with a TemplateError, or with why nothing can listen. */
export async function startSession(options: SessionOptions): Promise<Session> {
  const certificate = await developmentCertificate();
  const front = await openFront(certificate, options);
  const workspace = await openWorkspace(certificate.cert, options.options.environment['NODE_EXTRA_CA_CERTS']);
  const running = new Running(options, { front, workspace, domainName: `${HOSTNAME}:${front.port}` });
  try {
    await running.start();
  } catch (error) {
    await running.close();
    throw error;
  }
  return running;
}

type Parts = { readonly front: Front; readonly workspace: Workspace; readonly domainName: string };

class Running implements Session {
  readonly #options: SessionOptions;
  readonly #parts: Parts;
  #project: Project | null = null;
  #app: App | null = null;
  #watch: Watch | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(options: SessionOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
  }

  get urls(): ReadonlyMap<string, string> {
    const { apis = [], paths = [] } = this.#project ?? {};
    return new Map(apis.map(({ name }, index) => [name, `ws://${this.#parts.domainName}${paths[index] ?? '/'}`]));
  }

  async start(): Promise<void> {
    const { front, workspace } = this.#parts;
    await this.#read();
    const config = {
      HOST: '127.0.0.1',
      PORT: '0',
      ROUTES_FILE: workspace.routesFile,
      WS_HOSTNAME: `https://${this.#parts.domainName}`,
      CONTROL_ORIGINS: (this.#project?.hosts ?? []).map((host) => `https://${host}`).join(), // handlers call it by these names, too
      CONTROL_ALLOW: LOOPBACK, // selections, too: who develops tries them from a terminal
      WS_TIMEOUT: '0', // a handler under a debugger stands still
      LOG_LEVEL: 'INFO',
    };
    this.#app = await createApp(loadConfig(config).config, this.#logger(), {
      node: randomName(),
      link: null,
      aroundFunction: (target) => new WatchedTarget(target, { clock: systemClock, now: () => Date.now(), ran: this.#options.output.ran }),
    });
    await this.#app.listen();
    front.serve(this.#app.publicServer.server);
    this.#watch = this.#watchFiles();
  }

  async close(): Promise<void> {
    this.#watch?.close();
    await this.#last;
    const app = this.#app;
    if (app !== null) await drain({ gateway: app.gateway, log: app.log, signal: 'SIGINT', delayMs: 0, spreadMs: 0, shut: app.close });
    await this.#parts.front.close();
    await this.#parts.workspace.remove();
  }

  /** Throws a TemplateError; the routes are as they were then. */
  async #read(): Promise<void> {
    const project = await readProject(this.#options, this.#parts);
    await this.#parts.workspace.writeRoutes(project.routes);
    await readRoutesFile(this.#parts.workspace.routesFile).catch((error: unknown) => {
      throw error instanceof RoutesFileError ? new TemplateError([`${this.#options.template}: ${error.message}`]) : error;
    });
    const before = new Set(this.#project?.notes);
    for (const note of project.notes) if (!before.has(note)) this.#options.output.told(note);
    this.#project = project;
  }

  /** The folder of the template, and files of it that lie elsewhere. */
  #watchFiles(): Watch {
    const path = resolve(this.#options.template);
    const folder = statSync(path).isDirectory() ? path : dirname(path);
    const files = (this.#project?.files ?? []).filter((file) => !file.startsWith(`${folder}${sep}`));
    const watch = new Watch({ folder, files, changed: (changed) => this.#inTurn(() => this.#changed(changed)) });
    if (watch.isFull) this.#options.output.told(`${folder} has too many folders: not all of them are watched`);
    return watch;
  }

  async #changed(files: readonly string[]): Promise<void> {
    const { output } = this.#options;
    const isTemplate = files.some((file) => this.#project?.files.includes(file));
    const isCode = files.some((file) => CODE.test(file));
    if (!isTemplate && !isCode) return;
    this.#app?.reloadHandlers();
    if (!isTemplate && this.#project?.isComplete !== false) {
      output.told('reloaded: what is called from now on runs the code as it is now');
      return;
    }
    try {
      await this.#read();
      const problem = await this.#app?.reloadRoutes();
      output.told(problem ?? 'the template was read again: new connections use it, open ones keep their routes');
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      output.told(`${error.message}\nall stays as it was`);
    }
  }

  #inTurn(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch((error: unknown) => this.#options.output.told(String(error)));
  }

  /** What functions write, and what the gateway warns of. */
  #logger(): Logger {
    const { output } = this.#options;
    return pino(
      { base: null },
      {
        write(line: string) {
          const { level, msg, text, ...facts } = JSON.parse(line) as { level: number; msg: string; text?: string; time: number };
          if (text !== undefined) output.wrote(text);
          else if (level > 30) output.told(`${msg} ${JSON.stringify({ ...facts, time: undefined })}`);
        },
      },
    );
  }
}
