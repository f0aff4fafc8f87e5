import { readFileSync, statSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node as YamlNode, type YAMLMap } from 'yaml';
import { decodeText } from '../config/text-file.ts';
import { list, map, scalar, type Node, type Place, type Scalar } from './node.ts';
import { TemplateError } from './notes.ts';

/** CloudFormation takes templates up to 1 MB; what others write is not much longer. */
const MAX_FILE_BYTES = 8 * 1_024 * 1_024;
const MAX_NODES = 500_000;
const MAX_DEPTH = 200;

/** Reads a YAML or JSON file (JSON is YAML). Executes nothing of it. Throws a TemplateError. */
export function parseFile(file: string): Node {
  return parseText(readText(file), file);
}

/** A whole text file, bounded. Throws a TemplateError. */
export function readText(file: string): string {
  try {
    const found = statSync(file);
    if (!found.isFile()) throw new Error('a file was wanted');
    if (found.size > MAX_FILE_BYTES) throw new Error(`a file of at most ${MAX_FILE_BYTES} bytes was wanted, it has ${found.size}`);
    return decodeText(readFileSync(file));
  } catch (error) {
    throw new TemplateError([`${file}: ${(error as Error).message}`]);
  }
}

/** Throws a TemplateError that lists every mistake of YAML. */
export function parseText(text: string, file: string): Node {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  if (document.errors.length > 0)
    throw new TemplateError(document.errors.map(({ pos, message }) => `${file}:${lines.linePos(pos[0]).line}: ${message}`));
  return new Conversion((offset) => ({ file, line: lines.linePos(offset).line })).of(document.contents);
}

/** From the tree of `yaml` to ours, with CloudFormation's short forms written long. */
class Conversion {
  readonly #placeAt: (offset: number) => Place;
  /** What is read already: an alias stands for the very same value, so that aliases of aliases cost nothing. */
  readonly #anchors = new Map<string, Node>();
  #nodes = 0;

  constructor(placeAt: (offset: number) => Place) {
    this.#placeAt = placeAt;
  }

  of(node: YamlNode | null, depth = 0): Node {
    const place = this.#placeAt(node?.range?.[0] ?? 0);
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES || depth > MAX_DEPTH) {
      throw new TemplateError([`${place.file}:${place.line}: at most ${MAX_NODES} values, nested at most ${MAX_DEPTH} deep, were wanted`]);
    }
    if (isAlias(node)) {
      const meant = this.#anchors.get(node.source);
      if (meant === undefined) throw new TemplateError([`${place.file}:${place.line}: no anchor called ${node.source} is above it`]);
      return meant;
    }
    const read = tagged(node?.tag, this.#plain(node, place, depth));
    if (node !== null && 'anchor' in node && node.anchor !== undefined) this.#anchors.set(node.anchor, read);
    return read;
  }

  #plain(node: YamlNode | null, place: Place, depth: number): Node {
    if (isMap(node)) return map(this.#entries(node, depth), place);
    if (isSeq(node))
      return list(
        node.items.map((item) => this.of(item as YamlNode, depth + 1)),
        place,
      );
    return scalar(isScalar(node) ? (node.value as Scalar) : null, place);
  }

  /** An entry stands where its key does. Entries of `<<` are under those of the map itself. */
  #entries(node: YAMLMap, depth: number): Map<string, Node> {
    const own = new Map<string, Node>();
    const merged = new Map<string, Node>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : String(key);
      const read = this.of(value as YamlNode | null, depth + 1);
      if (name !== '<<') own.set(name, value === null ? scalar(null, this.#placeAt((key as YamlNode).range?.[0] ?? 0)) : read);
      else
        for (const source of read.type === 'list' ? read.items : [read])
          if (source.type === 'map') for (const [inner, content] of source.entries) if (!merged.has(inner)) merged.set(inner, content);
    }
    return new Map([...merged, ...own]);
  }
}

/** `!Sub x` is `{ Fn::Sub: x }`, `!GetAtt a.b` is `{ Fn::GetAtt: [a, b] }` (CloudFormation's short forms). */
function tagged(tag: string | undefined, node: Node): Node {
  if (tag === undefined || !/^![A-Z]/.test(tag)) return node;
  const name = tag.slice(1);
  const { place } = node;
  return map([[name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`, node]], place);
}
