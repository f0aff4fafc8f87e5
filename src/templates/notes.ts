import type { Place } from './node.ts';

/** What of a template could not be mapped, at which of its properties. */
export type Note = Place & { readonly path: string; readonly said: string };

/** What is said is said once, in the order of the file. */
export class Notes {
  readonly #notes = new Map<string, Note>();

  add(place: Place, path: string, said: string): void {
    const note = { ...place, path, said };
    this.#notes.set(lineOf(note), note);
  }

  get lines(): readonly string[] {
    return [...this.#notes.values()].toSorted((a, b) => a.file.localeCompare(b.file) || a.line - b.line).map(lineOf);
  }
}

function lineOf({ file, line, path, said }: Note): string {
  return `${file}:${line}: ${path === '' ? 'the file' : path}: ${said}`;
}

/** A template that nothing can be made of. Its message says file, line and what was wanted; several are joined by line ends. */
export class TemplateError extends Error {
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'TemplateError';
  }
}
