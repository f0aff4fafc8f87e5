import type { ServerResponse } from 'node:http';
import type { Waiting } from '../core/end-of-turn.ts';

export const JSON_TYPE = 'application/json; charset=utf-8';
export const OK = '{"code":"OK"}';
export const QUEUED = '{"code":"QUEUED"}';
const OK_HEADERS = ['Content-Type', JSON_TYPE, 'Content-Length', String(OK.length)];

/** The answer to a push that is in its socket; for the end of the turn, in which the frame itself leaves before it. */
export class SentAnswer implements Waiting {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  endTurn(): void {
    this.#response.writeHead(200, OK_HEADERS).end(OK);
  }
}
