/**
 * Entry of the mounts thread: the SDK's own code for skills and memory stores, away from the thread that serves
 * calls. It is started by the first mount, so sessions without a work item never pay for it.
 */
import { join } from 'node:path';
import { type Anthropic, APIConnectionError, APIError } from '@anthropic-ai/sdk';
import {
  MEMORY_FLUSH_TIMEOUT_MS,
  SessionMemoryStores,
  setupSkills,
} from '@anthropic-ai/sdk/tools/agent-toolset/node';
import { errorText } from '../error-text.ts';
import { enterCell, onMessage, tell as tellHost } from './cell-port.ts';
import { putAside, recordSynced, rescue } from './memory-rescue.ts';
import { createMountClient } from './mount-client.ts';
import {
  type FromMountThread,
  type MountAnswer,
  type MountRequest,
  type MountRoots,
  type MountThreadData,
  NO_ROOTS,
  type ToMountThread,
} from './mount-protocol.ts';
import type { MountRecord, MountRecordKeeper, StoreFolder } from './mount-record.ts';
import { tearDown } from './unmount.ts';

interface Mounted {
  readonly client: Anthropic;
  readonly stores: SessionMemoryStores | undefined;
  readonly folders: readonly StoreFolder[];
  readonly removeSkills: () => Promise<void>;
  readonly timer: NodeJS.Timeout | undefined;
}

type Session = Awaited<ReturnType<Anthropic['beta']['sessions']['retrieve']>>;

const { workspace } = await enterCell<MountThreadData>();
let mounted: Mounted | undefined;
let roots: MountRoots = NO_ROOTS;
let warnings: string[] = [];
/** The SDK's stores are not safe for concurrent use: one thing after the other. */
let last: Promise<unknown> = Promise.resolve();

/** One question at a time, as all else here. */
let recorded: (answer: Extract<ToMountThread, { kind: 'recorded' }>) => void = () => {};
const record: MountRecordKeeper = {
  read: () => askForRecord({}),
  write: replaceBy => askForRecord({ replaceBy }).then(() => {}),
};

onMessage<ToMountThread>(message => {
  if (message.kind === 'recorded') return recorded(message);
  last = last.then(() => obey(message)).catch(error => warned(errorText(error)));
});

async function askForRecord(question: { replaceBy?: MountRecord | null }): Promise<MountRecord> {
  const answer = new Promise<Parameters<typeof recorded>[0]>(resolve => {
    recorded = resolve;
  });
  tell({ kind: 'record', ...question });
  const { record = { stores: [] }, problem } = await answer;
  if (problem !== undefined) throw new Error(`the record of the mounts cannot be kept: ${problem}`);
  return record;
}

async function obey(message: Exclude<ToMountThread, { kind: 'recorded' }>): Promise<void> {
  switch (message.kind) {
    case 'mount':
      return tell({ kind: 'mount-answer', answer: await mount(message.request), roots });
    case 'unmount':
      return tell({ kind: 'unmounted', notes: await unmount() });
  }
}

async function mount(request: MountRequest): Promise<MountAnswer> {
  if (mounted !== undefined) {
    mounted.client.authToken = request.token;
    return { kind: 'mounted', notes: [] };
  }
  if (request.renewOnly) return { kind: 'mounted', notes: [] };
  warnings = [];
  const { token, baseURL, headers, sessionId, memorySyncMs } = request;
  const client = createMountClient({ token, baseURL, headers, onWarning: warned });
  let stores: SessionMemoryStores | undefined;
  let removeSkills = async () => {};
  try {
    const session = await client.beta.sessions.retrieve(sessionId);
    removeSkills = await setupSkills({ workdir: workspace, client, session });
    const folders = memorySyncMs === null ? [] : storeFolders(session);
    const notes: string[] = [];
    let timer: NodeJS.Timeout | undefined;
    if (memorySyncMs !== null && folders.length > 0) {
      await putAside(record, folders);
      stores = new SessionMemoryStores(client, {
        workdir: workspace,
        syncIntervalMs: memorySyncMs,
        syncDeletions: request.memoryDeletions,
      });
      await stores.download(session);
      notes.push(...(await rescue(record, folders)));
      if (notes.length === 0) await recordSynced(record, folders);
      timer = setInterval(() => void sync(), memorySyncMs);
    }
    mounted = { client, stores, folders, removeSkills, timer };
    roots = { allowed: stores?.roots ?? [], readOnly: stores?.readOnlyRoots ?? [] };
    return { kind: 'mounted', notes: [...notes, ...warnings] };
  } catch (error) {
    await removeSkills();
    await stores?.dispose();
    return { kind: isUnavailable(error) ? 'unavailable' : 'failed', reason: errorText(error) };
  }
}

async function sync(): Promise<void> {
  last = last
    .then(async () => {
      if (mounted?.stores === undefined) return;
      warnings = [];
      await mounted.stores.syncIfDue();
      if (warnings.length === 0) await recordSynced(record, mounted.folders);
    })
    .catch(error => warned(errorText(error)));
  await last;
}

async function unmount(): Promise<string[]> {
  if (mounted === undefined) return [];
  const { stores, removeSkills, timer } = mounted;
  clearInterval(timer);
  warnings = [];
  let failed = 0;
  const isGone = await tearDown({
    removeSkills: () => removeSkills().finally(() => (failed = warnings.length)),
    stores,
    boundMs: MEMORY_FLUSH_TIMEOUT_MS,
    warned,
    warnings: () => warnings.length - failed,
  });
  if (isGone) await record.write(null);
  mounted = undefined;
  roots = NO_ROOTS;
  return warnings;
}

/** Where the SDK puts each store: at its `mount_path`, else below the workspace (`SessionMemoryStores`). */
function storeFolders(session: Session): StoreFolder[] {
  return session.resources.flatMap(resource => {
    if (resource.type !== 'memory_store') return [];
    const { memory_store_id: memoryStoreId, mount_path, name } = resource;
    return [{ memoryStoreId, root: mount_path || join(workspace, 'memory', name || memoryStoreId) }];
  });
}

/** The SDK wraps what a download failed of; without a status it is the network. */
function isUnavailable(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof APIConnectionError) return true;
    if (cause instanceof APIError) return [408, 409, 429].includes(cause.status) || cause.status >= 500;
  }
  return false;
}

function warned(line: string): void {
  warnings.push(line);
  tell({ kind: 'warning', line });
}

function tell(message: FromMountThread): void {
  tellHost(message);
}
