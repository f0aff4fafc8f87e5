import type { RpcError } from '../../core/rpc.ts';
import type { OcppVersion, Subprotocol } from './versions.ts';

const COMMON = [
  'NotImplemented',
  'NotSupported',
  'InternalError',
  'ProtocolError',
  'SecurityError',
  'PropertyConstraintViolation',
  'TypeConstraintViolation',
  'GenericError',
];
const OF_2 = [...COMMON, 'FormatViolation', 'OccurrenceConstraintViolation', 'MessageTypeNotSupported', 'RpcFrameworkError'];

/** Each version's error codes, exactly as on its wire. The two odd spellings of 1.6 are official and stay. */
export const ERROR_CODES: Readonly<Record<Subprotocol, readonly string[]>> = {
  'ocpp1.6': [...COMMON, 'FormationViolation', 'OccurenceConstraintViolation'],
  'ocpp2.0.1': OF_2,
  'ocpp2.1': OF_2,
};

/** A code of another version, or a usual correction of a misspelt one: what it is in 1.6, and in 2.x. */
const TRANSLATIONS: Readonly<Record<string, readonly [of16: string, of2: string]>> = {
  FormationViolation: ['FormationViolation', 'FormatViolation'],
  FormatViolation: ['FormationViolation', 'FormatViolation'],
  OccurenceConstraintViolation: ['OccurenceConstraintViolation', 'OccurrenceConstraintViolation'],
  OccurrenceConstraintViolation: ['OccurenceConstraintViolation', 'OccurrenceConstraintViolation'],
  MessageTypeNotSupported: ['NotSupported', 'MessageTypeNotSupported'],
  RpcFrameworkError: ['ProtocolError', 'RpcFrameworkError'],
};

/** Words that may be an error code of a vendor; anything else (`FST_ERR_VALIDATION`, prose) is no OCPP code. */
const CODE = /^[A-Za-z][A-Za-z0-9]{0,49}$/;
const MAX_DESCRIPTION_LENGTH = 255;

/** The version's own spelling of a code that a backend gave; null if the version has no such code. */
export function spelled(version: OcppVersion, code: unknown): string | null {
  if (typeof code !== 'string' || !CODE.test(code)) return null;
  const translation = Object.hasOwn(TRANSLATIONS, code) ? TRANSLATIONS[code] : undefined;
  return translation === undefined ? code : translation[version.subprotocol === 'ocpp1.6' ? 0 : 1];
}

/** A description has at most 255 characters; no character is cut in half. */
export function cutDescription(text: string): string {
  const whole = text.toWellFormed();
  if (whole.length <= MAX_DESCRIPTION_LENGTH) return whole;
  const cut = whole.slice(0, MAX_DESCRIPTION_LENGTH);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

export function rpcError(code: string, description: string): RpcError {
  return { code, description: cutDescription(description), detailsJson: '{}' };
}

export function internalError(description: string): RpcError {
  return rpcError('InternalError', description);
}

/** Reads `{code, description, details}`, as a backend words an error; null if it has no code. */
export function readError(version: OcppVersion, body: unknown): RpcError | null {
  if (typeof body !== 'object' || body === null) return null;
  const { code, description, details } = body as Record<string, unknown>;
  const own = spelled(version, code);
  if (own === null) return null;
  return {
    code: own,
    description: cutDescription(typeof description === 'string' ? description : ''),
    detailsJson: isObject(details) ? JSON.stringify(details) : '{}',
  };
}

/** The form in which errors travel over HTTP, both ways. */
export function errorBody({ code, description, detailsJson }: RpcError): string {
  return `{"code":${JSON.stringify(code)},"description":${JSON.stringify(description)},"details":${detailsJson}}`;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
