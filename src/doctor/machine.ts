/** Whether this machine has what tools need. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { broken, type Finding, ok, warning } from './finding.ts';

export interface MachineOptions {
  /** `PATH` of tools. */
  readonly path: string;
  readonly bash?: string;
  readonly platform?: NodeJS.Platform;
  readonly nodeVersion?: string;
}

export async function lookAtMachine({
  path,
  bash = '/bin/bash',
  platform = process.platform,
  nodeVersion = process.versions.node,
}: MachineOptions): Promise<readonly Finding[]> {
  return [node(nodeVersion), system(platform), await shell(bash), await archives(path)];
}

function node(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18)
    ? ok('Node', version)
    : broken('Node', `${version} is too old`, 'install 22.18 or newer; in a checkout `npm ci` brings one');
}

function system(platform: string): Finding {
  if (platform === 'linux') return ok('system', 'Linux');
  const found = `${platform}: what a tool has started and let go of is not found again`;
  return warning('system', found, 'develop here, but serve sessions on Linux');
}

async function shell(bash: string): Promise<Finding> {
  return (await isExecutable(bash))
    ? ok('bash', bash)
    : broken('bash', `${bash} is not there, and it is what the tool bash runs`, 'install bash');
}

async function archives(path: string): Promise<Finding> {
  const programs = ['tar', 'unzip'];
  const there = await Promise.all(programs.map(name => onPath(name, path)));
  const missing = programs.filter((_, index) => !there[index]);
  return missing.length === 0
    ? ok('archives', 'tar and unzip are there')
    : warning(
        'archives',
        `${missing.join(' and ')} not found: skills of a work item cannot be unpacked`,
        `install ${missing.join(' and ')}`,
      );
}

async function onPath(name: string, path: string): Promise<boolean> {
  const found = await Promise.all(path.split(delimiter).map(folder => isExecutable(join(folder, name))));
  return found.includes(true);
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
