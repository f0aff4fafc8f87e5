import { basename } from 'node:path';
import { DEFAULT_REGION, type AwsApi, type TemplateOptions } from '../aws-api.ts';
import { assetsOf } from '../cdk/assets.ts';
import type { Node } from '../node.ts';
import type { Notes } from '../notes.ts';
import { apisOf } from './apis.ts';
import { functionsOf } from './functions.ts';
import { Stack } from './intrinsics.ts';
import { ofType } from './resources.ts';
import { samApisOf } from './sam-apis.ts';
import { FunctionIndex } from './targets.ts';

export type StackFile = { readonly file: string; readonly root: Node };

/** The WebSocket APIs of templates that belong together: what one exports another imports. */
export async function readStacks(
  given: readonly StackFile[],
  options: TemplateOptions,
  notes: Notes,
): Promise<{ readonly apis: readonly AwsApi[]; readonly files: readonly string[] }> {
  const stacks: Stack[] = [];
  const imports = (name: string): Node | null => {
    for (const stack of stacks) {
      for (const [, output] of stack.root.get('Outputs').entries())
        if (output.get('Export', 'Name').text() === name) return output.get('Value').node;
    }
    return null;
  };
  const assets = given.map(({ file }) => assetsOf(file));
  for (const { file, root } of given) {
    const stackName = basename(file).split('.')[0] || 'stack';
    stacks.push(new Stack({ root, region: options.region ?? DEFAULT_REGION, stackName, parameters: options.parameters, imports, notes }));
  }
  const functions = await Promise.all(stacks.map((stack, index) => functionsOf(stack, assets[index]?.findAsset ?? (() => null))));
  for (const stack of stacks) noteNested(stack);
  return {
    apis: stacks.flatMap((stack, position) => {
      const index = new FunctionIndex([...(functions[position] ?? []), ...functions.flat()]); // its own first: stacks may use one name
      return [...apisOf({ stack, index, stage: options.stage }), ...samApisOf(stack, index)];
    }),
    files: assets.flatMap(({ files }) => files),
  };
}

function noteNested({ resources, notes }: Stack): void {
  for (const { id, type, cursor } of ofType(resources, 'AWS::CloudFormation::Stack', 'AWS::Serverless::Application'))
    notes.add(cursor.place, `Resources.${id}`, `${type} is another template, which was not read: give it to the command by itself`);
}
