import { clientFrame, type MessageForm, type Numbers } from './message.ts';

/** What a call to the backend is, by its head, and where its message lies in the body. */
export type Call =
  | { readonly type: 'open'; readonly client: number }
  | { readonly type: 'close'; readonly client: number }
  | { readonly type: 'message'; readonly span: readonly [start: number, end: number] };

/** How clients and backend talk in a dialect of its own. */
export type Speech = {
  /** Do answers go back to the client, so that a message is done when its answer is there? Else it is when the backend has it. */
  readonly isRoundTrip: boolean;
  readonly path: (client: number) => string;
  readonly subprotocol: string | null;
  readonly frame: (form: MessageForm, numbers: Numbers) => Buffer;
  readonly call: (head: string, span: readonly [start: number, end: number], body: Buffer) => Call;
  /** Bodies of the backend's answers. */
  readonly accepted: string;
  readonly answer: (message: Buffer) => string;
  /** Where the message lies in the text that comes back to the client. */
  readonly inAnswer: (span: readonly [start: number, end: number]) => readonly [start: number, end: number];
};

const PAYLOAD_START = '{"m":"';
const PAYLOAD_END = '"}';
const ID_DIGITS = 9;

/** The client's id is the last segment, or the one before the message's id. */
function clientOf(head: string): number {
  return Number(/\/c(\d+)/.exec(head)?.[1]);
}

const raw: Speech = {
  isRoundTrip: true,
  path: (client) => `/c${client}`,
  subprotocol: null,
  frame: (form, numbers) => form.frame(numbers),
  call(head, span) {
    if (head.startsWith('GET ')) return { type: 'open', client: clientOf(head) };
    return head.startsWith('DELETE ') ? { type: 'close', client: clientOf(head) } : { type: 'message', span };
  },
  accepted: 'ok',
  answer: (message) => message.toString('latin1'),
  inAnswer: (span) => span,
};

/** `[2,"000000042","Echo",{"m":"…"}]`, answered by `[3,"000000042",{"m":"…"}]`. */
const ocpp: Speech = {
  isRoundTrip: true,
  path: (client) => `/c${client}`,
  subprotocol: 'ocpp1.6',
  frame(form, numbers) {
    const id = String(numbers.sequence).padStart(ID_DIGITS, '0');
    return clientFrame(1, Buffer.from(`[2,"${id}","Echo",${PAYLOAD_START}${form.text(numbers).toString('latin1')}${PAYLOAD_END}]`));
  },
  call(head, [start, end]) {
    if (/^POST \S*\/connect\//.test(head)) return { type: 'open', client: clientOf(head) };
    if (head.startsWith('DELETE ')) return { type: 'close', client: clientOf(head) };
    return { type: 'message', span: [start + PAYLOAD_START.length, end - PAYLOAD_END.length] };
  },
  accepted: '{}',
  answer: (message) => `${PAYLOAD_START}${message.toString('latin1')}${PAYLOAD_END}`,
  inAnswer: ([start, end]) => [start + `[3,"${'0'.repeat(ID_DIGITS)}",${PAYLOAD_START}`.length, end - PAYLOAD_END.length - 1],
};

/** By the ids that the gateway gives. */
const awsClients = new Map<string, number>();
const AWS_START = '{"action":"m","m":"';
const AWS_END = '"}';
const AWS_ESCAPED_START = Buffer.from(String.raw`\"m\":\"`);
const AWS_ESCAPED_END = String.raw`\"}","isBase64Encoded":false}`;

/** `{"action":"m","m":"…"}`, which selects the route `m`; its function is told, and answers nothing that goes back. */
const aws: Speech = {
  isRoundTrip: false,
  path: (client) => `/prod?c=/c${client}`,
  subprotocol: null,
  frame: (form, numbers) => clientFrame(1, Buffer.from(`${AWS_START}${form.text(numbers).toString('latin1')}${AWS_END}`)),
  call(head, [start, end], body) {
    const event = /^ws-event: (\w+)/im.exec(head)?.[1];
    const id = /^ws-connection: (\S+)/im.exec(head)?.[1] ?? '';
    if (event === 'message') {
      const messageEnd = end - AWS_ESCAPED_END.length;
      return { type: 'message', span: [body.lastIndexOf(AWS_ESCAPED_START, messageEnd) + AWS_ESCAPED_START.length, messageEnd] };
    }
    if (event === 'close') return { type: 'close', client: awsClients.get(id) ?? Number.NaN };
    const { queryStringParameters } = JSON.parse(body.toString('utf8', start, end)) as { queryStringParameters: { c: string } };
    const client = clientOf(queryStringParameters.c);
    awsClients.set(id, client);
    return { type: 'open', client };
  },
  accepted: '',
  answer: () => '',
  inAnswer: (span) => span,
};

export const SPEECHES = { raw, ocpp, aws } as const;
export type SpeechName = keyof typeof SPEECHES;
