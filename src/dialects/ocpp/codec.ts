import { isObject, rpcError } from './errors.ts';
import { CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, SEND, type ClientFrame } from './frames.ts';
import { elementOf, parseJson, type ParsedJson } from './json.ts';
import { actionProblem, messageIdProblem } from './segments.ts';
import type { OcppVersion } from './versions.ts';

const IGNORED: ClientFrame = { type: 'ignored' };

/** Reads a client's frame as its version's rules say. Any bytes give one of the frames, none an exception. */
export function decodeFrame(version: OcppVersion, data: Buffer, isBinary: boolean): ClientFrame {
  if (isBlank(data)) return IGNORED; // some stations send them to keep a path open
  if (isBinary) return unreadable(version, 'an OCPP message is a text frame, this one was binary');
  const parsed = parseJson(data);
  if (parsed === null) return unreadable(version, 'the message is no JSON, or is nested too deep');
  const { value } = parsed;
  if (!Array.isArray(value) || typeof value[0] !== 'number') {
    return unreadable(version, 'a message is a JSON array that begins with its message type number');
  }
  const frame: Frame = { version, parsed, elements: value, id: typeof value[1] === 'string' ? value[1] : '' };
  switch (value[0]) {
    case CALL:
      return decodeCall(frame);
    case CALLRESULT:
      return decodeResult(frame);
    case CALLERROR:
      return decodeError('error', frame);
    case CALLRESULTERROR:
      return version.hasSend ? decodeError('result-error', frame) : IGNORED;
    case SEND:
      return version.hasSend ? decodeSend(frame) : IGNORED;
    default:
      return IGNORED;
  }
}

type Frame = { readonly version: OcppVersion; readonly parsed: ParsedJson; readonly elements: readonly unknown[]; readonly id: string };

function decodeCall(frame: Frame): ClientFrame {
  const { version, id } = frame;
  if (id === '') return unreadable(version, 'the second element must be the message id, a string of 1 to 36 characters');
  const problem = frameProblem(frame);
  if (problem !== null) return { type: 'malformed', answerTo: id, error: rpcError(version.frameworkError, problem) };
  if (!isPayload(frame.elements[3])) {
    return { type: 'malformed', answerTo: id, error: rpcError(version.formatError, 'the payload must be a JSON object') };
  }
  return { type: 'call', id, action: String(frame.elements[2]), payloadJson: elementOf(frame.parsed, 3) };
}

/** A SEND is never answered, not even a bad one. */
function decodeSend(frame: Frame): ClientFrame {
  const call = decodeCall(frame);
  if (call.type === 'call') return { ...call, type: 'send' };
  return call.type === 'malformed' ? { ...call, answerTo: null } : call;
}

/** An answer is never answered by CALLERROR; 2.1 has CALLRESULTERROR for a CALLRESULT that cannot be used. */
function decodeResult({ version, id, elements, parsed }: Frame): ClientFrame {
  if (id === '') return orphan(version);
  if (elements.length !== 3 || !isPayload(elements[2])) {
    return { type: 'broken-result', id, error: rpcError(version.formatError, 'a CALLRESULT is [3,<message id>,<JSON object>]') };
  }
  return { type: 'result', id, payloadJson: elementOf(parsed, 2) };
}

/** Stations are careless with these: what is missing is made up, so that the call at least ends. */
function decodeError(type: 'error' | 'result-error', { version, id, elements, parsed }: Frame): ClientFrame {
  if (id === '') return orphan(version);
  const [, , code, description, details] = elements;
  return {
    type,
    id,
    error: {
      code: typeof code === 'string' && code !== '' ? code : 'GenericError',
      description: typeof description === 'string' ? description : '',
      detailsJson: isObject(details) ? elementOf(parsed, 4) : '{}',
    },
  };
}

function frameProblem({ id, elements }: Frame): string | null {
  if (elements.length !== 4) return `four elements were wanted (type, id, action, payload), ${elements.length} came`;
  return messageIdProblem(id) ?? actionProblem(elements[2]);
}

function isPayload(value: unknown): boolean {
  return value === null || isObject(value);
}

function isBlank(data: Buffer): boolean {
  for (const byte of data) if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false;
  return true;
}

function unreadable(version: OcppVersion, description: string): ClientFrame {
  return { type: 'malformed', answerTo: version.unreadableId, error: rpcError(version.frameworkError, description) };
}

function orphan(version: OcppVersion): ClientFrame {
  return { type: 'malformed', answerTo: null, error: rpcError(version.frameworkError, 'an answer without a readable message id') };
}
