import { ACCOUNT_ID } from '../aws-api.ts';
import { Cursor, type Resolve } from '../cursor.ts';
import { list, scalar, textOf, type Node, type Place } from '../node.ts';
import { TemplateError, type Notes } from '../notes.ts';
import { Conditions } from './conditions.ts';
import { Names } from './names.ts';
import { resourcesOf, type Resources } from './resources.ts';

/** Far beyond any template's, and soon reached by one that refers to itself, or doubles at every step. */
const MAX_STEPS = 50_000;
const MAX_CHARACTERS = 8 * 1_024 * 1_024;
const MAX_DEPTH = 100;

export type StackOptions = {
  readonly root: Node;
  readonly region: string;
  readonly stackName: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** What other stacks of the same assembly export. */
  readonly imports: (name: string) => Node | null;
  readonly notes: Notes;
  /** What is resolved before: the variables of Serverless. */
  readonly before?: Resolve;
};

type At = { readonly place: Place; readonly path: string };

/** A CloudFormation stack: its resources, with intrinsic functions resolved as far as a template tells. Calls nothing, executes nothing. */
export class Stack {
  readonly root: Cursor;
  readonly names: Names;
  readonly #options: StackOptions;
  readonly #conditions: Conditions;
  #resources: Resources | null = null;
  #steps = 0;
  #characters = 0;
  #depth = 0;

  constructor(options: StackOptions) {
    this.#options = options;
    this.root = new Cursor(options.root, this.resolve, { path: '', place: options.root.place });
    this.names = new Names(() => this.resources, options.region);
    this.#conditions = new Conditions(this.root.get('Conditions'), this.resolve);
  }

  get resources(): Resources {
    this.#resources ??= resourcesOf(this.root.get('Resources'), (name, at) => this.#conditions.isMet(name, at));
    return this.#resources;
  }

  get notes(): Notes {
    return this.#options.notes;
  }

  readonly resolve: Resolve = (given, path) => {
    this.#steps += 1;
    if (this.#steps > MAX_STEPS || this.#depth > MAX_DEPTH) throw endless(given.place, path);
    this.#depth += 1;
    try {
      const node = this.#options.before === undefined ? given : this.#options.before(given, path);
      const [name, argument] = node?.type === 'map' && node.entries.size === 1 ? [...node.entries][0]! : [];
      if (node === null || name === undefined || argument === undefined) return node;
      if (name === 'Ref') return this.#ref(this.#text(argument, path), { place: node.place, path });
      if (!name.startsWith('Fn::')) return node;
      const known = this.#functions[name.slice(4)];
      if (known !== undefined) return known(argument, { place: node.place, path });
      return this.#unknown({ place: node.place, path }, `${name} is not evaluated here`);
    } finally {
      this.#depth -= 1;
    }
  };

  readonly #functions: Readonly<Record<string, (argument: Node, at: At) => Node | null>> = {
    GetAtt: (argument, at) => {
      const text = textOf(argument);
      const parts = text === null ? this.#texts(argument, at) : text.split('.');
      return parts === null ? null : this.#attribute(parts[0] ?? '', parts.slice(1).join('.'), at);
    },
    Sub: (argument, at) => this.#sub(argument, at),
    Join: (argument, at) => {
      const [between, parts] = this.#items(argument, at);
      const texts = parts === undefined ? null : this.#texts(parts, at);
      return texts === null || between === undefined ? null : this.#made(texts.join(this.#text(between, at.path) ?? ''), at);
    },
    Select: (argument, at) => {
      const [index, from] = this.#items(argument, at);
      const items = from === undefined ? [] : this.#items(from, at);
      const item = items[Number(index === undefined ? null : this.#text(index, at.path))];
      return item === undefined ? null : this.resolve(item, at.path);
    },
    Split: (argument, at) => {
      const [between, from] = this.#items(argument, at);
      const [separator, text] = [between, from].map((node) => (node === undefined ? null : this.#text(node, at.path)));
      if (!separator || text === null || text === undefined) return null;
      return list(
        text.split(separator).map((part) => scalar(part, at.place)),
        at.place,
      );
    },
    If: (argument, at) => {
      const [condition, met, otherwise] = this.#items(argument, at);
      const name = condition === undefined ? null : this.#text(condition, at.path);
      const chosen = name !== null && this.#conditions.isMet(name, this.#cursor(argument, at)) ? met : otherwise;
      return chosen === undefined ? null : this.resolve(chosen, at.path);
    },
    FindInMap: (argument, at) => {
      const [name, first, second] = this.#texts(argument, at) ?? [];
      const found = this.root.get('Mappings', name ?? '', first ?? '', second ?? '').node;
      return found ?? this.#unknown(at, `Mappings has no ${name}.${first}.${second}`);
    },
    ImportValue: (argument, at) => {
      const name = this.#text(argument, at.path);
      return (name === null ? null : this.#options.imports(name)) ?? this.#unknown(at, `it is imported from another stack (${name})`);
    },
    Base64: (argument, at) => {
      const text = this.#text(argument, at.path);
      return text === null ? null : this.#made(Buffer.from(text).toString('base64'), at);
    },
  };

  #ref(name: string | null, at: At): Node | null {
    const value = name === null ? null : (this.#pseudo(name) ?? this.names.ref(name));
    if (value !== null) return value === '' ? null : this.#made(value, at);
    if (name === null) return null;
    const parameter = this.root.get('Parameters', name);
    const type = parameter.get('Type').text() ?? '';
    const isStored = type.startsWith('AWS::SSM::'); // its default names an entry of the account's Parameter Store
    const given = this.#options.parameters.get(name) ?? (isStored ? null : parameter.get('Default').text());
    if (given === null) {
      const isKnown = parameter.isGiven;
      const why = isStored ? `parameter ${name} is in the account's Parameter Store` : `parameter ${name} has no default`;
      return this.#unknown(at, isKnown ? `${why}; give it by --parameter ${name}=…` : `there is no ${name} in the template`);
    }
    const parts = /List/.test(type) ? given.split(',') : null;
    if (parts === null) return this.#made(given, at);
    return list(
      parts.map((part) => scalar(part.trim(), at.place)),
      at.place,
    );
  }

  /** AWS's pseudo parameters; empty: the property is to be as absent. */
  #pseudo(name: string): string | null {
    const { region, stackName } = this.#options;
    const values: Readonly<Record<string, string>> = {
      'AWS::Region': region,
      'AWS::AccountId': ACCOUNT_ID,
      'AWS::StackName': stackName,
      'AWS::StackId': `arn:aws:cloudformation:${region}:${ACCOUNT_ID}:stack/${stackName}/0`,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::NoValue': '',
    };
    return Object.hasOwn(values, name) ? (values[name] ?? null) : null;
  }

  #attribute(id: string, attribute: string, at: At): Node | null {
    const value = this.names.attribute(id, attribute);
    if (value !== null) return this.#made(value, at);
    return this.#unknown(at, `${id}.${attribute} is known only after a deployment`);
  }

  /** `${Name}`, `${Name.Attribute}` and those of its own; `${!Literal}` stays. */
  #sub(argument: Node, at: At): Node | null {
    const [template, own] = argument.type === 'list' ? argument.items : [argument];
    const text = template === undefined ? null : this.#text(template, at.path);
    if (text === null) return null;
    let isKnown = true;
    const done = text.replaceAll(/\$\{([^}]*)\}/g, (_all, inside: string) => {
      const name = inside.trim();
      if (name.startsWith('!')) return `\${${name.slice(1)}}`;
      const value = own?.type === 'map' ? own.entries.get(name) : undefined;
      const [id = '', ...attribute] = name.split('.');
      const isAttribute = attribute.length > 0 && this.names.ref(name) === null;
      const node =
        value !== undefined
          ? this.resolve(value, at.path)
          : isAttribute
            ? this.#attribute(id, attribute.join('.'), at)
            : this.#ref(name, at);
      const found = textOf(node);
      isKnown &&= found !== null;
      return found ?? '';
    });
    return isKnown ? this.#made(done, at) : null;
  }

  #made(text: string, { place, path }: At): Node {
    this.#characters += text.length;
    if (this.#characters > MAX_CHARACTERS) throw endless(place, path);
    return scalar(text, place);
  }

  #unknown({ place, path }: At, why: string): null {
    this.notes.add(place, path, `its value is not known here: ${why}`);
    return null;
  }

  #text(node: Node, path: string): string | null {
    return textOf(this.resolve(node, path));
  }

  /** Null: one of them is not known. */
  #texts(node: Node, at: At): string[] | null {
    const texts = this.#items(node, at).map((item) => this.#text(item, at.path));
    return texts.includes(null) ? null : (texts as string[]);
  }

  #items(node: Node, at: At): readonly Node[] {
    const resolved = this.resolve(node, at.path);
    return resolved?.type === 'list' ? resolved.items : resolved === null ? [] : [resolved];
  }

  #cursor(node: Node, at: At): Cursor {
    return new Cursor(node, this.resolve, at);
  }
}

function endless({ file, line }: Place, path: string): TemplateError {
  return new TemplateError([`${file}:${line}: ${path}: it refers to itself, or grows without end`]);
}
