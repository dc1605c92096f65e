/** What the pool and a tools thread say to each other. */
import type { ToolUseType } from '../session/answers.ts';
import type { ServedTool } from '../session/served-tool.ts';
import type { ModuleServer, ProgramTool } from './module-entry.ts';
import type { ModuleSource } from './module-source.ts';
import type { MountRoots } from './mount-protocol.ts';

/** `workerData` of a thread. */
export interface ThreadData {
  readonly toolsModule: string | undefined;
  /** The module's files; undefined: as they are on disk. */
  readonly source: ModuleSource | undefined;
  readonly workspace: string;
  readonly maxResultBytes: number;
}

export type ToThread =
  | {
      readonly kind: 'run';
      readonly id: string;
      readonly name: string;
      readonly input: unknown;
      readonly type: ToolUseType;
      readonly callMark: string;
      readonly roots: MountRoots;
    }
  | { readonly kind: 'abort' }
  /** Run every tool's close hook. */
  | { readonly kind: 'close' };

export interface ThreadReady {
  readonly kind: 'ready';
  /** The module's tools; the built-ins are not among them. */
  readonly tools: readonly ServedTool[];
  /** Those of them that are programs, by name. */
  readonly programs: Readonly<Record<string, ProgramTool>>;
  readonly servers: readonly ModuleServer[];
}

export type FromThread =
  | ThreadReady
  | { readonly kind: 'broken'; readonly message: string }
  | { readonly kind: 'answer'; readonly isError: boolean; readonly contentJson: string }
  /** The call is one of a program and its input is valid: run it. */
  | { readonly kind: 'run-program' }
  /** The close hooks have run; `failures` as `tool: why`. */
  | { readonly kind: 'closed'; readonly failures: readonly string[] };
