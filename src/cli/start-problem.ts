import { EXIT_BAD_CONFIG } from '../config/load.ts';
import { EXIT_UNAVAILABLE } from './exit-codes.ts';

export type StartProblem = { readonly message: string; readonly exitCode: number };

type SystemError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number; readonly hostname?: string };

/** What of a failed start is a mistake of the user, or of the place where the program runs, in one sentence; null: a fault of ours. */
export function startProblemOf(error: unknown): StartProblem | null {
  const { code = '', syscall, address = '', port, hostname } = Object(error) as SystemError;
  if (syscall === 'getaddrinfo')
    return { message: `${code}: HOST must be an address of this machine, ${JSON.stringify(hostname)} has none`, exitCode: EXIT_BAD_CONFIG };
  if (syscall !== 'listen' && syscall !== 'bind') return null;
  const place = `${address.includes(':') ? `[${address}]` : address}:${port ?? ''}`;
  switch (code) {
    case 'EADDRINUSE':
      return {
        message: `${code}: another program listens on ${place} already; end it, or choose another PORT or CONTROL_PORT`,
        exitCode: EXIT_UNAVAILABLE,
      };
    case 'EACCES':
      return {
        message: `${code}: this user may not listen on ${place}; choose a PORT over 1023, or give it the right to`,
        exitCode: EXIT_BAD_CONFIG,
      };
    default:
      return { message: `${code}: cannot listen on ${place}; HOST must be an address of this machine`, exitCode: EXIT_BAD_CONFIG };
  }
}

/** What the file system says of a JOURNAL_DIR that no journal could ever use; of a full or broken disk a running journal copes with the like. */
export function journalProblemOf(directory: string, error: unknown): StartProblem | null {
  const { code = '', message } = Object(error) as NodeJS.ErrnoException;
  if (PASSING.has(code)) return null;
  return {
    message: `JOURNAL_DIR: must be a directory that this process can keep files in, ${JSON.stringify(directory)} is none (${message})`,
    exitCode: EXIT_BAD_CONFIG,
  };
}

const PASSING = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM', 'ESTALE', 'ETIMEDOUT']);
