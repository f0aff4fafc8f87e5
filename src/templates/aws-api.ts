import type { Place } from './node.ts';

/** A WebSocket API as a template describes it, whatever the template's language. */
export type AwsApi = {
  /** How the template calls it. */
  readonly name: string;
  readonly apiId: string;
  /** Where the template says that it is deployed; null: it does not. */
  readonly region: string | null;
  readonly stage: string;
  /** Of the template's custom domain; null: it has none. */
  readonly domainName: string | null;
  readonly routeSelectionExpression: string;
  readonly routes: ReadonlyMap<string, AwsRoute>;
  /** Of `$connect`: AWS knows no other place for one. Null: everybody may connect. */
  readonly authorizer: AwsAuthorizer | UnmappedAuthorizer | null;
  readonly stageVariables: Readonly<Record<string, string>>;
};

export type AwsRoute = {
  readonly target: AwsTarget;
  /** Does what the function returns go back to the client? */
  readonly hasResponse: boolean;
  /** How long the API waits for an answer; null: AWS's 29,000 ms. */
  readonly integrationTimeoutMs: number | null;
  readonly throttle: AwsThrottle | null;
  readonly place: Place;
};

/** Calls per second, and at once. */
export type AwsThrottle = { readonly rate: number; readonly burst: number | null };

export type AwsTarget =
  | { readonly type: 'function'; readonly function: AwsFunction }
  /** A function that the template does not hold, by its ARN or name. */
  | { readonly type: 'elsewhere'; readonly arn: string }
  | { readonly type: 'http'; readonly url: string }
  /** Answers 200 and asks nobody. */
  | { readonly type: 'mock' };

export type AwsAuthorizer = {
  readonly target: AwsTarget;
  readonly identitySource: readonly string[];
  readonly place: Place;
};

/** There is one, and what it decides by cannot be mapped. */
export type UnmappedAuthorizer = { readonly target: null; readonly place: Place };

export type AwsFunction = {
  /** How the template calls it. */
  readonly name: string;
  /** As the account calls it. */
  readonly functionName: string;
  readonly runtime: string;
  readonly code: AwsCode;
  /** Values that cannot be known here are not in it. */
  readonly environment: Readonly<Record<string, string>>;
  /** The function's own time-out. */
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly place: Place;
};

/** Where the handler's code is. */
export type AwsCode =
  /** `file` and `root`, the folder that the account would get as the function's code, are absolute; `export` may have dots. */
  | { readonly type: 'file'; readonly file: string; readonly root: string; readonly export: string }
  | { readonly type: 'inline'; readonly source: string; readonly export: string }
  /** A container image, or a runtime that is no Node. */
  | { readonly type: 'foreign'; readonly said: string }
  | { readonly type: 'missing'; readonly said: string };

/** What a template holds. */
export type AwsTemplate = {
  readonly apis: readonly AwsApi[];
  /** What could not be mapped, a line each: file, line, what it is. */
  readonly notes: readonly string[];
  /** Files that were read. */
  readonly files: readonly string[];
};

/** What a template leaves to whoever deploys it. */
export type TemplateOptions = {
  /** `--stage`; undefined: the template's. */
  readonly stage: string | undefined;
  /** `--region`; undefined: the template's, else `DEFAULT_REGION`. */
  readonly region: string | undefined;
  /** `--parameter NAME=VALUE`: CloudFormation's parameters, Serverless's `param` and `opt`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** What `${env:NAME}` of a Serverless template reads. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** The region that ARNs name where nobody says another. */
export const DEFAULT_REGION = 'us-east-1';
/** The account that ARNs name: none of AWS's. */
export const ACCOUNT_ID = '000000000000';
