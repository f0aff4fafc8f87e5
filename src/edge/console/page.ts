import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ACCESS_ERRORS } from '../../wire/error-schemas.ts';
import { GatewayError } from '../../wire/errors.ts';

/** Beside this file; where the program is bundled, this code lies in `dist/program/`. */
const FOLDERS = ['page/', '../edge/console/page/'].map((place) => fileURLToPath(new URL(place, import.meta.url)));
const INDEX = 'index.html';
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing inline, nothing from elsewhere, in no frame, and no text becomes markup (Trusted Types): a client's words are shown here. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

const HIDDEN: object = { hide: true };

type File = { readonly body: Buffer; readonly type: string; readonly tag: string };

const pageSchema = {
  operationId: 'console',
  tags: ['operations'],
  summary: 'The console, a page for a browser',
  security: [],
  response: {
    200: {
      description: 'The page holds no data: its requests ask for it, with the token.',
      content: { 'text/html': { schema: Type.String({ examples: ['<!doctype html>'] }) } },
    },
    403: ACCESS_ERRORS[403],
  },
};

/** The page itself. Its files are read when somebody wants them for the first time. */
export async function consolePage(server: FastifyInstance): Promise<void> {
  let files: Promise<ReadonlyMap<string, File>> | null = null;

  const send = async (request: FastifyRequest, reply: FastifyReply, name: string): Promise<FastifyReply> => {
    files ??= readFiles();
    const file = (await files).get(name);
    if (file === undefined) throw new GatewayError('NOT_FOUND', `the console has no file ${JSON.stringify(name.slice(0, 80))}`);
    void reply.headers({ ...HEADERS, ETag: file.tag });
    if (request.headers['if-none-match'] === file.tag) return reply.code(304).send();
    return reply.type(file.type).send(file.body);
  };

  server.get('/console', { schema: pageSchema }, (request, reply) => send(request, reply, INDEX));
  server.get<{ Params: { file: string } }>('/console/:file', { schema: HIDDEN }, (request, reply) =>
    send(request, reply, request.params.file),
  );
  server.get('/console/', { schema: HIDDEN }, (_request, reply) => reply.redirect('../console', 308));
  server.allowOnly('/console', ['GET']);
  server.allowOnly('/console/:file', ['GET']);
}

async function readFiles(): Promise<ReadonlyMap<string, File>> {
  const folder = FOLDERS.find((place) => existsSync(place)) ?? '';
  const names = await readdir(folder);
  const entries = names.map(async (name) => {
    const body = await readFile(`${folder}${name}`);
    const tag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    return [name, { body, type: TYPES[extname(name)] ?? 'application/octet-stream', tag }] as const;
  });
  return new Map(await Promise.all(entries));
}
