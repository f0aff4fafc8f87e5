import { readNameTemplate, type NameTemplate } from './name-template.ts';

/** Commands in, where a backend's URL asks for them. */
export type CommandsTarget = {
  /** Stream or queue. */
  readonly name: string;
  readonly deadLetters: string;
  /** Redis: the consumer group. */
  readonly group: string;
  /** Redis: ms after which a command that a consumer holds and does not acknowledge is taken over. */
  readonly claimAfterMs: number;
};

/** A stream, or an exchange, as the URL of a backend names it. */
export type StreamTarget = {
  /** With credentials and without our parameters. */
  readonly url: string;
  /** The same without credentials, for logs and metrics. */
  readonly shownUrl: string;
  /** Of the stream; the routing key of an exchange. */
  readonly name: NameTemplate;
  readonly commands: CommandsTarget | null;
  /** Streams that a process writes to at most, where names depend on events. */
  readonly mostNames: number;
} & (
  | {
      readonly technology: 'redis';
      /** Entries that a stream keeps, approximately; 0: all. */
      readonly maxlen: number;
    }
  | {
      readonly technology: 'amqp';
      readonly exchange: string;
      /** Bound to the exchange with `#`; null: consumers bring their own. */
      readonly queue: string | null;
      /** Is an entry that no queue takes a failure? */
      readonly isMandatory: boolean;
    }
);

const REDIS = { stream: 'connectionevents', maxlen: '1000000', commands: '', group: 'wsaas', claimAfterMs: '60000', names: '10000' };
const AMQP = { exchange: 'wsgateway', queue: '', routingKey: '', mandatory: 'true', commands: '', names: '10000' };

/** What a backend's URL may begin with where its dialect writes entries. */
export const STREAM_SCHEMES: readonly string[] = ['redis://', 'rediss://', 'redis+sentinel://', 'amqp://', 'amqps://'];

/** `redis+sentinel://` names several hosts before the path, which no URL may. */
const SENTINELS = /^redis\+sentinel:\/\/([^@/]*@)?[^@/,\s]+(,[^@/,\s]+)*\/[^/?\s]+$/;

/** Reads the URL of a stream (docs/dialects/stream.md#the-backends-url); a text says what is wrong. */
export function readStreamTarget(text: string): StreamTarget | string {
  const scheme = STREAM_SCHEMES.find((one) => text.startsWith(one));
  if (scheme === undefined) return `must be a URL that begins with ${STREAM_SCHEMES.join(', ')}`;
  if (text.includes('#')) return 'must have no fragment (#…)';
  const queryAt = text.indexOf('?');
  const url = queryAt < 0 ? text : text.slice(0, queryAt);
  const problem = addressProblem(url, scheme);
  if (problem !== null) return problem;
  const query = new URLSearchParams(queryAt < 0 ? '' : text.slice(queryAt + 1));
  return scheme.startsWith('redis') ? redisTarget(url, query) : amqpTarget(url, query);
}

function addressProblem(url: string, scheme: string): string | null {
  if (scheme === 'redis+sentinel://')
    return SENTINELS.test(url) ? null : 'must name Sentinels and their primary, as in redis+sentinel://h1:26379,h2:26379/mymaster';
  if (!URL.canParse(url) || new URL(url).hostname === '') return `must be a URL with a host, such as ${scheme}broker.internal`;
  const { pathname, username, password } = new URL(url);
  if (!isEncoded(username) || !isEncoded(password)) return 'must have user and password percent-encoded';
  if (scheme.startsWith('redis') && !/^(\/\d*)?$/.test(pathname))
    return 'must have the number of a database as its path, as in redis://host:6379/0';
  return null;
}

function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function redisTarget(url: string, query: URLSearchParams): StreamTarget | string {
  const given = parametersOf(query, REDIS);
  if (typeof given === 'string') return given;
  const name = nameIn('stream', given.stream);
  const maxlen = numberIn('maxlen', given.maxlen);
  const claimAfterMs = numberIn('claimAfterMs', given.claimAfterMs, 100);
  const mostNames = numberIn('names', given.names, 1);
  const problem = [name, maxlen, claimAfterMs, mostNames].find((read) => typeof read === 'string');
  if (typeof problem === 'string') return problem;
  if (given.stream === '') return 'must name a stream: stream=…';
  if (given.group === '') return 'must name a consumer group: group=…';
  const { group } = given;
  return {
    technology: 'redis',
    ...commonOf(url, name as NameTemplate, mostNames as number),
    maxlen: maxlen as number,
    commands: commandsOf(given.commands, { group, claimAfterMs: claimAfterMs as number }),
  };
}

function amqpTarget(url: string, query: URLSearchParams): StreamTarget | string {
  const given = parametersOf(query, AMQP);
  if (typeof given === 'string') return given;
  const name = nameIn('routingKey', given.routingKey);
  if (typeof name === 'string') return name;
  const mostNames = numberIn('names', given.names, 1);
  if (typeof mostNames === 'string') return mostNames;
  if (given.exchange === '') return 'must name an exchange: exchange=…';
  if (given.mandatory !== 'true' && given.mandatory !== 'false') return 'mandatory must be true or false';
  return {
    technology: 'amqp',
    ...commonOf(url, name, mostNames),
    exchange: given.exchange,
    queue: given.queue === '' ? null : given.queue,
    isMandatory: given.mandatory === 'true',
    commands: commandsOf(given.commands, { group: '', claimAfterMs: 0 }),
  };
}

function commonOf(url: string, name: NameTemplate, mostNames: number): Pick<StreamTarget, 'url' | 'shownUrl' | 'name' | 'mostNames'> {
  return { url, shownUrl: withoutCredentials(url), name, mostNames };
}

function withoutCredentials(url: string): string {
  const at = url.lastIndexOf('@');
  return at < 0 ? url : url.slice(0, url.indexOf('//') + 2) + url.slice(at + 1);
}

function commandsOf(name: string, rest: Pick<CommandsTarget, 'group' | 'claimAfterMs'>): CommandsTarget | null {
  return name === '' ? null : { name, deadLetters: `${name}.dead`, ...rest };
}

/** What is given, else the standard. */
function parametersOf<Names extends Readonly<Record<string, string>>>(query: URLSearchParams, standard: Names): Names | string {
  const given: Record<string, string> = { ...standard };
  const seen = new Set<string>();
  for (const [name, value] of query) {
    if (!Object.hasOwn(standard, name))
      return `has no parameter ${JSON.stringify(name.slice(0, 40))}; it has ${Object.keys(standard).join(', ')}`;
    if (seen.has(name)) return `has the parameter ${name} twice`;
    seen.add(name);
    given[name] = value;
  }
  return given as Names;
}

function nameIn(parameter: string, text: string): NameTemplate | string {
  const name = readNameTemplate(text);
  return typeof name === 'string' ? `${parameter} ${name}` : name;
}

function numberIn(parameter: string, text: string, minimum = 0): number | string {
  const isWhole = /^\d{1,15}$/.test(text) && Number(text) >= minimum;
  return isWhole ? Number(text) : `${parameter} must be a whole number of at least ${minimum}, ${JSON.stringify(text.slice(0, 40))} came`;
}
