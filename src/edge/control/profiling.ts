import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { Type } from 'typebox';
import type { Clock, Log } from '../../core/ports.ts';
import { ACCESS_ERRORS, errorSchema } from '../../wire/error-schemas.ts';
import { GatewayError } from '../../wire/errors.ts';
import { parametersOf } from '../../wire/parameters.ts';

export type ProfilingOptions = {
  /** DEBUG_PROFILING. */
  readonly isOn: boolean;
  readonly node: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly startCpuProfile: (expectedMs: number) => Promise<{ finish(): Promise<string>; drop(): void }>;
  /** Stops the event loop while it is made. */
  readonly heapSnapshot: () => Readable;
};

const STANDARD_SECONDS = 10;
const MOST_SECONDS = 60;
const OFF = 'profiling is off: set DEBUG_PROFILING=true; a profile shows code and strings of the program, also of its clients';

const answers = (title: string, description: string, example: object) => ({
  200: {
    description,
    headers: { 'WS-Process': { type: 'string', description: 'Whose it is: node and pid.', examples: ['gw-1.4711'] } },
    content: { 'application/json': { schema: Type.Object({}, { title, additionalProperties: true, examples: [example] }) } },
  },
  ...ACCESS_ERRORS,
  409: errorSchema('CONFLICT: a profile is being taken already, or another process than the one of `pid` got this request.'),
});
const pid = Type.Optional(
  Type.Integer({ description: 'Of the worker that is wanted; any other answers 409, to be asked again.', examples: [4711] }),
);

const profileSchema = {
  operationId: 'profile',
  tags: ['operations'],
  summary: 'A CPU profile of the process that answers (DEBUG_PROFILING)',
  querystring: Type.Object({
    seconds: Type.Optional(Type.Integer({ description: `1 to ${MOST_SECONDS}, default ${STANDARD_SECONDS}.`, examples: [10] })),
    pid,
  }),
  response: answers('CpuProfile', 'A `.cpuprofile`, for DevTools and editors.', {
    nodes: [],
    startTime: 0,
    endTime: 0,
    samples: [],
    timeDeltas: [],
  }),
};

const heapSchema = {
  operationId: 'heap',
  tags: ['operations'],
  summary: 'A snapshot of the heap of the process that answers (DEBUG_PROFILING)',
  description:
    'The process stands still while it is made, about a second for every 100 MB of heap. It holds whatever the process holds, payloads and credentials too.',
  querystring: Type.Object({ pid }),
  response: answers('HeapSnapshot', 'A `.heapsnapshot`, for DevTools.', { snapshot: {}, nodes: [], edges: [], strings: [] }),
};

/** Looks into the process that answers; one look at a time. */
export async function profilingRoutes(server: FastifyInstance, options: ProfilingOptions): Promise<void> {
  const { isOn, node, clock, log, startCpuProfile, heapSnapshot } = options;
  let isBusy = false;

  server.post('/debug/profile', { schema: profileSchema }, async (request, reply) => {
    const parameters = begin(request, ['seconds', 'pid']);
    const seconds = secondsOf(parameters.get('seconds'));
    isBusy = true;
    try {
      const running = await startCpuProfile(seconds * 1_000);
      log.warn({ seconds }, 'a CPU profile is being taken');
      const wasLeft = await passed(seconds * 1_000, reply);
      if (wasLeft) {
        running.drop();
        return reply.hijack();
      }
      return titled(reply, 'cpuprofile').send(await running.finish());
    } finally {
      isBusy = false;
    }
  });

  server.post('/debug/heap', { schema: heapSchema }, async (request, reply) => {
    begin(request, ['pid']);
    isBusy = true;
    log.warn({}, 'a snapshot of the heap is being taken, the process stands still for it');
    const snapshot = heapSnapshot();
    snapshot.once('close', () => (isBusy = false));
    return titled(reply, 'heapsnapshot').send(snapshot);
  });

  for (const path of ['/debug/profile', '/debug/heap']) server.allowOnly(path, ['POST']);

  function begin(request: { readonly url: string }, known: readonly string[]): URLSearchParams {
    if (!isOn) throw new GatewayError('FORBIDDEN', OFF);
    const parameters = parametersOf(request, known);
    const wanted = parameters.get('pid');
    if (wanted !== null && wanted !== String(process.pid))
      throw new GatewayError(
        'CONFLICT',
        `this is process ${process.pid}; ask again on a new connection until process ${JSON.stringify(wanted.slice(0, 20))} answers`,
      );
    if (isBusy) throw new GatewayError('CONFLICT', 'a profile of this process is being taken already');
    return parameters;
  }

  function titled(reply: FastifyReply, kind: string): FastifyReply {
    const name = `${node}.${process.pid}`;
    return reply.headers({
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': `attachment; filename="wsaas-${name}.${kind}"`,
      'WS-Process': name,
    });
  }

  /** True: nobody waits for the answer any more. */
  function passed(ms: number, { raw }: FastifyReply): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => resolve(false));
      raw.once('close', () => {
        timer.cancel();
        resolve(true);
      });
    });
  }
}

function secondsOf(text: string | null): number {
  if (text === null) return STANDARD_SECONDS;
  const seconds = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > MOST_SECONDS)
    throw new GatewayError(
      'BAD_REQUEST',
      `seconds must be a whole number from 1 to ${MOST_SECONDS}, came ${JSON.stringify(text.slice(0, 40))}`,
    );
  return seconds;
}
