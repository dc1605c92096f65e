/**
 * Runs an `exec` tool: the input as JSON on standard input, the result on standard output, one process group a call.
 * Output that is `{"content": string | [blocks], "is_error"?: boolean}` is taken as that, any other as text.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { killGroup } from '../kill-group.ts';
import { textBlock, toContent } from '../session/answers.ts';
import type { ProgramTool } from './module-entry.ts';
import { callMark } from './paths.ts';
import { identify } from './processes.ts';
import { boundResult, joinEnds } from './result-size.ts';
import { TextEnds } from './text-ends.ts';
import { type ToolAnswer, type ToolCall, type ToolPlace, textAnswer } from './tool-run.ts';

export interface ProgramOptions extends ToolPlace {
  readonly maxResultBytes: number;
}

/** What is kept of standard error, and of the output of a program that was ended. */
const STDERR_BYTES = 4 * 1024;
/** How long the pipes of an ended program are read on: what it left running may hold them open for ever. */
const DRAIN_MS = 200;

/** Never rejects. On abort the process group is killed at once. */
export async function runProgram(
  program: ProgramTool,
  call: ToolCall,
  options: ProgramOptions,
): Promise<ToolAnswer> {
  await mkdir(options.workspace, { recursive: true, mode: 0o700 });
  if (call.signal.aborted) return textAnswer(true, `Error: ${call.name} was stopped`);
  const [command = '', ...args] = [...options.commandPrefix, program.exec, ...program.args];
  const child = spawn(command, args, {
    cwd: options.workspace,
    env: { ...options.env, HOLDFAST_CALL: callMark(call.id) },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    ...options.owner,
  });
  const leader = child.pid === undefined ? undefined : identify(child.pid);
  if (leader !== undefined) call.onGroup(leader);
  const stdout = new TextEnds(options.maxResultBytes);
  const stderr = new TextEnds(STDERR_BYTES);
  child.stdout.on('data', (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr.add(chunk);
    call.log.append(chunk);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(JSON.stringify(call.input ?? {}));
  const kill = (): void => killGroup(child);
  call.signal.addEventListener('abort', kill, { once: true });
  const end = await ended(child);
  call.signal.removeEventListener('abort', kill);
  // Its result is not to be, but what it had printed is evidence.
  if (call.signal.aborted) call.log.append(stdout.ends().tail.slice(-STDERR_BYTES));
  if (end.kind === 'not-started') return textAnswer(true, `Error: ${call.name} did not start: ${end.reason}`);
  if (end.exitCode === 0) return readAnswer(stdout, options.maxResultBytes);
  const how = end.exitCode === null ? `was killed by ${end.signal}` : `ended with exit code ${end.exitCode}`;
  const said = stderr.text().trim() || stdout.text().trim();
  const answer = textAnswer(true, `Error: ${call.name} ${how}${said === '' ? '' : `: ${said}`}`);
  return end.exitCode === null ? answer : { ...answer, exitStatus: end.exitCode };
}

function readAnswer(stdout: TextEnds, maxResultBytes: number): ToolAnswer {
  if (!stdout.whole) {
    const { head, tail, bytes } = stdout.ends();
    return { ...textAnswer(false, joinEnds(head, tail, bytes, maxResultBytes)), exitStatus: 0 };
  }
  const text = stdout.text();
  const told = parseAnswer(text);
  const mapped = toContent(boundResult(told === undefined ? text : told.content, maxResultBytes));
  const content = mapped.kind === 'content' ? mapped.content : [textBlock(text)];
  return { isError: told?.isError ?? false, contentJson: JSON.stringify(content), exitStatus: 0 };
}

function parseAnswer(text: string): { content: unknown; isError: boolean } | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('content' in value)) return undefined;
    if (typeof value.content !== 'string' && !Array.isArray(value.content)) return undefined;
    return { content: value.content, isError: 'is_error' in value && value.is_error === true };
  } catch {
    return undefined;
  }
}

type End =
  | { kind: 'ended'; exitCode: number | null; signal: NodeJS.Signals | null }
  | { kind: 'not-started'; reason: string };

function ended(child: ChildProcessWithoutNullStreams): Promise<End> {
  return new Promise(resolve => {
    child.once('error', error => resolve({ kind: 'not-started', reason: error.message }));
    child.once('close', (exitCode, signal) => resolve({ kind: 'ended', exitCode, signal }));
    child.once('exit', (exitCode, signal) => {
      setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
        resolve({ kind: 'ended', exitCode, signal });
      }, DRAIN_MS);
    });
  });
}
