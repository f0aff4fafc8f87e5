import { test } from 'node:test';
import { openArena } from '../support/arena.ts';
import { wholeFile } from '../support/guests.ts';
import { FRAME_INPUTS, fuzzFrames } from './frames.ts';
import { fuzzHandshakes, HANDSHAKES } from './handshakes.ts';
import { fuzzHttp, HTTP_INPUTS } from './http.ts';
import { fuzzOcpp, OCPP_FRAMES } from './ocpp.ts';

/** One for most: starting processes would cost a good part of the whole. */
const arena = await openArena(wholeFile);

test(`${HTTP_INPUTS} inputs where HTTP requests are wanted: each is answered as RFC 9112 says, and what was pushed is what was answered 200`, (t) =>
  fuzzHttp(t, arena));

test(`${HANDSHAKES} handshakes: 101 is answered to those that RFC 6455 allows, an error that says why to the others, and the backend is asked about none of them`, (t) =>
  fuzzHandshakes(t, arena));

test(`${FRAME_INPUTS} inputs where frames are wanted: what RFC 6455 allows comes back, what it forbids is closed with its code`, (t) =>
  fuzzFrames(t, arena));

test(`${OCPP_FRAMES} malformed OCPP frames: each is answered as its version says, the process lives, others are served`, async (t) =>
  fuzzOcpp(t, await openArena(t, { dialect: 'ocpp', maxMessageBytes: 262_144 })));
