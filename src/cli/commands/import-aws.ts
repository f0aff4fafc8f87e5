import { TEMPLATE_FLAGS, TEMPLATE_USAGE, chosenApis, readLine, templateOptions } from './template-arguments.ts';
import { helped, misused, say, unreadable, type Said } from './speech.ts';
import { awsRoutes, type TargetType } from '../../templates/aws-routes.ts';
import { TemplateError } from '../../templates/notes.ts';
import { readTemplate } from '../../templates/read.ts';
import { routesText } from '../../templates/routes-text.ts';

const TARGETS: readonly TargetType[] = ['module', 'rie', 'lambda'];

const USAGE = `Usage: wsaas import-aws <template> [flags] > routes.yaml

Prints a routes file on stdout, and on stderr what of the template could not be mapped. The template is a serverless.yml,
a SAM or CloudFormation template (YAML or JSON), or what cdk synth wrote (the folder cdk.out, or one template of it).
Nothing of it is executed, and nobody is asked.

${TEMPLATE_USAGE}  --domain-name HOST      what handlers build their callback URL from (host, and port if need be)
  --targets TYPE          what runs the functions: module (default: handlers in this gateway), rie, lambda
  -h, --help              this text
`;

const FLAGS = { ...TEMPLATE_FLAGS, 'domain-name': { type: 'string' }, targets: { type: 'string' } } as const;

/** `wsaas import-aws` (docs/aws.md#in-production). */
export async function run(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<number> {
  return say(await imported(argv, env));
}

async function imported(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<Said> {
  const line = readLine(argv, FLAGS, 'A template');
  if (typeof line === 'string') return misused(line, USAGE);
  const { values, file } = line;
  if (values.help) return helped(USAGE);
  const targets = TARGETS.find((type) => type === (values.targets ?? 'module'));
  if (targets === undefined) return misused(`--targets takes ${TARGETS.join(', ')}; ${values.targets} came.`, USAGE);
  const options = templateOptions(values, env);
  if (typeof options === 'string') return misused(options, USAGE);
  try {
    const template = await readTemplate(file, options);
    const apis = chosenApis(template.apis, values.api);
    if (typeof apis === 'string') throw new TemplateError([...template.notes, `${file}: ${apis}`]);
    const made = awsRoutes(apis, { targets, region: options.region, domainName: values['domain-name'], folder: process.cwd() });
    const remarks = [`Made by wsaas import-aws of ${file}. The files of modules are relative to this file.`];
    return { stdout: routesText(made.routes, remarks), stderr: [...template.notes, ...made.notes], exitCode: 0 };
  } catch (error) {
    if (error instanceof TemplateError) return unreadable(error);
    throw error;
  }
}
