import { isAbsolute, relative } from 'node:path';
import { DEFAULT_REGION, type AwsApi, type AwsFunction, type AwsRoute, type AwsTarget } from './aws-api.ts';

/** What runs the template's functions. */
export type TargetType = 'module' | 'rie' | 'lambda';

export type AwsRouteOptions = {
  readonly targets: TargetType;
  readonly region: string | undefined;
  /** What handlers build their callback URL from; undefined: the template's custom domain, else the gateway's own. */
  readonly domainName: string | undefined;
  /** Where the routes file will be: files of modules are relative to it. */
  readonly folder: string;
  /** What else a module's environment has: the function's own variables are among it. Default: those alone. */
  readonly environmentOf?: (asked: AwsFunction, own: Readonly<Record<string, string>>, api: AwsApi) => Readonly<Record<string, string>>;
  /** Where code that is in the template itself was written to. Default: nowhere. */
  readonly writtenFiles?: ReadonlyMap<string, string>;
  /** Where who decides could not be mapped, may everybody connect? Default: nobody may. */
  readonly isOpen?: boolean;
};

/** One route, as a routes file has it. */
export type AwsRouteText = { readonly path: string; readonly [property: string]: unknown };

/** Routes (docs/dialects/aws.md), and what of them is not as the template has it. */
export type AwsRoutes = { readonly routes: readonly AwsRouteText[]; readonly notes: readonly string[] };

/** What AWS waits for `$connect`, too. */
const AWS_INTEGRATION_TIMEOUT_MS = 29_000;
/** The port of AWS's base images. */
const EMULATOR_PORT = 8_080;
/** A host that never is (RFC 6761 §6.4): asked whether a client may connect, it lets nobody in. */
const NOBODY = { target: { type: 'webhook', url: 'http://authorizer.invalid/' }, identitySource: [] };

/** One route for each API of a template. */
export function awsRoutes(apis: readonly AwsApi[], options: AwsRouteOptions): AwsRoutes {
  const notes: string[] = [];
  const paths = new Set<string>();
  const hosts = new Map(apis.map((api) => [api.apiId, options.domainName ?? api.domainName ?? undefined]));
  const routes = apis.map((api) => {
    const path = pathOf(api, paths, notes);
    return new Route(api, { ...options, hosts, notes }).written(path);
  });
  return { routes, notes };
}

/** On AWS each API has a host of its own; here it has a path. */
function pathOf({ name, stage, apiId }: AwsApi, taken: Set<string>, notes: string[]): string {
  const usual = `/${stage}`;
  const path = taken.has(usual) ? `/${apiId}/${stage}` : usual;
  if (path !== usual) notes.push(`${name}: another API has the path ${usual}, so its clients connect to ${path}`);
  taken.add(path);
  return path;
}

type Context = AwsRouteOptions & { readonly hosts: ReadonlyMap<string, string | undefined>; readonly notes: string[] };

/** Makes the route of one API. */
class Route {
  readonly #api: AwsApi;
  readonly #context: Context;

  constructor(api: AwsApi, context: Context) {
    this.#api = api;
    this.#context = context;
  }

  written(path: string): AwsRouteText {
    const { stage, apiId, routeSelectionExpression, routes, authorizer, stageVariables } = this.#api;
    const domainName = this.#context.hosts.get(apiId);
    return {
      path,
      dialect: 'aws',
      stage,
      ...(domainName !== undefined && { domainName }),
      apiId,
      routeSelectionExpression,
      routes: Object.fromEntries([...routes].map(([key, route]) => [key, this.#route(key, route)])),
      ...(Object.keys(stageVariables).length > 0 && { stageVariables }),
      ...this.#authorizer(authorizer),
      openTimeoutMs: AWS_INTEGRATION_TIMEOUT_MS,
    };
  }

  #authorizer(authorizer: AwsApi['authorizer']): object {
    if (authorizer === null) return {};
    if (authorizer.target !== null) {
      return { authorizer: { target: this.#target(authorizer.target), identitySource: authorizer.identitySource } };
    }
    const { isOpen = false, notes } = this.#context;
    const { file, line } = authorizer.place;
    const who = isOpen ? 'everybody may connect' : 'nobody may connect until the routes file says by `authorizer` who decides';
    notes.push(`${file}:${line}: ${this.#api.name}: its authorizer is not mapped: ${who}`);
    return isOpen ? {} : { authorizer: NOBODY };
  }

  #route(key: string, { target, hasResponse, integrationTimeoutMs, throttle }: AwsRoute): object {
    const isTwoWay = hasResponse && key !== '$connect' && key !== '$disconnect'; // AWS takes it there, and does nothing with it
    return {
      target: this.#target(target),
      ...(isTwoWay && { routeResponse: true }),
      ...(integrationTimeoutMs !== null && { timeoutMs: integrationTimeoutMs }),
      ...(throttle !== null && { throttle: { rate: throttle.rate, ...(throttle.burst !== null && { burst: throttle.burst }) } }),
    };
  }

  #target(target: AwsTarget): object {
    switch (target.type) {
      case 'http':
        return { type: 'webhook', url: target.url };
      case 'mock':
        return { type: 'mock' };
      case 'elsewhere':
        this.#context.notes.push(`${this.#api.name}: ${target.arn} is no function of the template: it is called on AWS`);
        return this.#lambda(this.#withStageVariables(target.arn));
      case 'function':
        return this.#function(target.function);
    }
  }

  #function(asked: AwsFunction): object {
    const { targets, notes, folder } = this.#context;
    const { name, functionName, code, timeoutMs, place } = asked;
    if (targets === 'lambda') return this.#lambda(functionName);
    const said = (words: string): void => void notes.push(`${place.file}:${place.line}: ${name}: ${words}`);
    if (targets === 'rie' || code.type === 'foreign') {
      const url = `http://${hostName(name)}:${EMULATOR_PORT}`;
      said(`${code.type === 'foreign' ? `${code.said}; ` : ''}run its image with the Lambda emulator at ${url}, or write where it is`);
      return { type: 'rie', url };
    }
    const own = this.#environment(asked);
    const env = this.#context.environmentOf?.(asked, own, this.#api) ?? own;
    const written = code.type === 'file' ? code.file : this.#context.writtenFiles?.get(name);
    if (code.type === 'inline' && written === undefined) said(`its code is in the template itself; write it to ./${name}.js`);
    if (code.type === 'missing') said(`${code.said}; it may have to be built first`);
    const file = written === undefined ? `./${name}.js` : spelt(relative(folder, written));
    const called = code.type === 'missing' ? 'handler' : code.export;
    return {
      type: 'module',
      file,
      export: called,
      function: functionName,
      ...(code.type === 'file' && { directory: spelt(relative(folder, code.root) || '.') }),
      timeoutMs,
      ...(Object.keys(env).length > 0 && { env }),
    };
  }

  /** A name has the region of the account; an ARN its own, and perhaps a version or an alias. */
  #lambda(said: string): object {
    const [, arn, region, qualifier] = /^(arn:[^:]*:lambda:([^:]*):[^:]*:function:[^:]+)(?::([^:]+))?$/.exec(said) ?? [];
    if (arn === undefined) return { type: 'lambda', function: said, region: this.#context.region ?? DEFAULT_REGION };
    return { type: 'lambda', function: arn, ...(qualifier !== undefined && { qualifier }), region };
  }

  /** Where a variable names the API's own host, it names ours. */
  #environment({ environment }: AwsFunction): Record<string, string> {
    const pattern = new RegExp(
      `(${[...this.#context.hosts.keys()].join('|')})\\.execute-api\\.[a-z0-9-]+\\.amazonaws\\.com(?:\\.cn)?`,
      'g',
    );
    return Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value.replaceAll(pattern, (host: string, id: string) => {
          const ours = this.#context.hosts.get(id);
          if (ours === undefined) this.#context.notes.push(`${name} names the API's own host; say ours by --domain-name`);
          return ours ?? host;
        }),
      ]),
    );
  }

  #withStageVariables(text: string): string {
    return text.replaceAll(/\$\{stageVariables\.([A-Za-z0-9_]+)\}/g, (all, name: string) => this.#api.stageVariables[name] ?? all);
  }
}

function spelt(path: string): string {
  return isAbsolute(path) || path.startsWith('.') ? path : `./${path}`;
}

/** A name as a host of a container network may be called. */
function hostName(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]/)
    .filter((word) => word !== '')
    .join('-');
}
