import { existsSync } from 'node:fs';
import { dirname, extname, resolve } from 'node:path';
import { ACCOUNT_ID, DEFAULT_REGION, type TemplateOptions } from '../aws-api.ts';
import { Cursor, type Resolve } from '../cursor.ts';
import { scalar, textOf, type Node, type Place } from '../node.ts';
import { TemplateError, type Notes } from '../notes.ts';
import { parseFile, readText } from '../parse.ts';
import { sourceOf, variablesIn } from './expressions.ts';

const MAX_STEPS = 50_000;
const MAX_CHARACTERS = 8 * 1_024 * 1_024;
const MAX_DEPTH = 60;
const MAX_FILES = 100;

export const DEFAULT_STAGE = 'dev';

type At = { readonly place: Place; readonly path: string };
/** Undefined: there is nothing there. A text: why it cannot be had here. */
type Found = Node | undefined | string;

/** The variables of a Serverless template (`${self:…}`, `${opt:…}`, `${env:…}`, `${file(…)}`, `${param:…}`, `${sls:…}`). Asks nobody and executes nothing. */
export class Variables {
  readonly #options: TemplateOptions;
  readonly #notes: Notes;
  readonly #template: Cursor;
  readonly #files = new Map<string, Node>();
  #steps = 0;
  #characters = 0;
  #depth = 0;
  #stage: string | null = null;

  constructor(root: Node, options: TemplateOptions, notes: Notes) {
    this.#options = options;
    this.#notes = notes;
    this.#template = new Cursor(root, this.resolve, { path: '', place: root.place });
  }

  /** Files that were read for `${file(…)}`. */
  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  get stage(): string {
    if (this.#stage === null) {
      this.#stage = this.#options.stage ?? DEFAULT_STAGE; // for a stage that is told by itself
      this.#stage = this.#options.stage ?? this.#template.get('provider', 'stage').text() ?? DEFAULT_STAGE;
    }
    return this.#stage;
  }

  get region(): string {
    return this.#options.region ?? this.#template.get('provider', 'region').text() ?? DEFAULT_REGION;
  }

  readonly resolve: Resolve = (node, path) => {
    if (node.type !== 'scalar' || typeof node.value !== 'string' || !node.value.includes('${')) return node;
    const { place } = node;
    return this.#resolveText(node.value, { place, path });
  };

  #resolveText(text: string, at: At): Node | null {
    this.#steps += 1;
    this.#depth += 1;
    if (this.#steps > MAX_STEPS || this.#depth > MAX_DEPTH) throw endless(at);
    try {
      const variables = variablesIn(text);
      const [first] = variables;
      if (first === undefined) return scalar(text, at.place);
      if (first.start === 0 && first.end === text.length) return this.#firstOf(first.sources, text, at);
      let done = '';
      let from = 0;
      for (const { start, end, sources } of variables) {
        const value = this.#firstOf(sources, text.slice(start, end), at);
        const found = textOf(value);
        if (found === null) return null;
        done += text.slice(from, start) + found;
        from = end;
      }
      done += text.slice(from);
      this.#characters += done.length;
      if (this.#characters > MAX_CHARACTERS) throw endless(at);
      return scalar(done, at.place);
    } finally {
      this.#depth -= 1;
    }
  }

  /** The first source that knows something. */
  #firstOf(sources: readonly string[], written: string, at: At): Node | null {
    let why = 'nothing is there';
    for (const [index, text] of sources.entries()) {
      const spelt = text.includes('${') ? textOf(this.#resolveText(text, at)) : text;
      const source = spelt === null ? null : sourceOf(spelt);
      if (source === null) continue;
      if (source.type === 'literal') {
        if (source.value !== null || index === sources.length - 1) return scalar(source.value, at.place);
        continue;
      }
      const look = this.#looks[source.name];
      const found = look === undefined ? `${source.name} is asked elsewhere, which is not done here` : look(source, at);
      if (typeof found === 'string') why = found;
      else if (found !== undefined && !(found.type === 'scalar' && found.value === null)) return this.#resolved(found, at);
    }
    this.#notes.add(at.place, at.path, `${written} has no value here: ${why}`);
    return null;
  }

  /** What a variable leads to may be one itself. */
  #resolved(node: Node, at: At): Node | null {
    return node.type === 'scalar' && typeof node.value === 'string' && node.value.includes('${') ? this.#resolveText(node.value, at) : node;
  }

  readonly #looks: Readonly<Record<string, (source: { readonly parameters: string; readonly address: string }, at: At) => Found>> = {
    self: ({ address }) => this.#template.get(...keysOf(address)).node ?? undefined,
    opt: ({ address }, { place }) => optional(address === 'stage' ? this.#options.stage : this.#given(address), place),
    env: ({ address }, { place }) => optional(this.#options.environment[address], place),
    param: ({ address }, { place }) => optional(this.#given(address), place) ?? this.#parameter(address),
    sls: ({ address }, { place }) => (address === 'stage' ? scalar(this.stage, place) : scalar('local', place)),
    aws: ({ address }, { place }) => scalar(address === 'accountId' ? ACCOUNT_ID : this.region, place),
    strToBool: ({ parameters }, { place }) => scalar(/^\s*['"]?(true|1)['"]?\s*$/i.test(parameters), place),
    file: ({ parameters, address }, at) => this.#file(parameters.trim(), address, at),
  };

  #given(name: string): string | undefined {
    return this.#options.parameters.get(name) ?? (name === 'region' ? this.#options.region : undefined);
  }

  #parameter(name: string): Node | undefined {
    for (const stage of [this.stage, 'default']) {
      for (const keys of [
        ['params', stage],
        ['stages', stage, 'params'],
      ]) {
        const found = this.#template.get(...keys, name);
        if (found.isGiven) return found.node ?? undefined;
      }
    }
    return undefined;
  }

  #file(written: string, address: string, { place, path }: At): Found {
    const file = resolve(dirname(resolve(this.#template.place.file)), written.replaceAll(/^['"]|['"]$/g, ''));
    const extension = extname(file);
    if (/^\.[cm]?[jt]s$/.test(extension)) return `${written} is a program, which is not executed here`;
    if (!existsSync(file)) return `${written} is not there`;
    if (this.#files.size > MAX_FILES) throw endless({ place, path });
    const isData = ['.yml', '.yaml', '.json'].includes(extension);
    const root = this.#files.get(file) ?? (isData ? parseFile(file) : scalar(readText(file), place));
    this.#files.set(file, root);
    if (address === '') return root;
    return new Cursor(root, this.resolve, { path: written, place: root.place }).get(...keysOf(address)).node ?? undefined;
  }
}

function keysOf(address: string): string[] {
  return address === '' ? [] : address.split('.');
}

function optional(value: string | undefined, place: Place): Node | undefined {
  return value === undefined ? undefined : scalar(value, place);
}

function endless({ place: { file, line }, path }: At): TemplateError {
  return new TemplateError([`${file}:${line}: ${path}: its variables refer to themselves, or grow without end`]);
}
