/** The skills that agents can have, each with its versions (api.md §1.8). */
import { ApiError } from './api-error.ts';
import { tarOf, zipOf } from './archive.ts';
import type { Clock } from './clock.ts';
import { newId } from './ids.ts';

/** A skill, or one more version of it where its id exists. */
export interface SkillOptions {
  readonly id?: string | undefined;
  /** The directory that its files lie in. */
  readonly name: string;
  readonly description?: string | undefined;
  /** Contents by path below the directory, such as `SKILL.md`. */
  readonly files?: Readonly<Record<string, string>> | undefined;
  /** Paths of `files` that are executable. */
  readonly executable?: readonly string[] | undefined;
  readonly format?: 'zip' | 'tar' | undefined;
  /** The archive as it is, in place of `files`. */
  readonly archive?: Uint8Array | undefined;
}

/** What a session's agent needs to have it: `agent: { skills: [reference] }`. */
export interface SkillReference {
  readonly type: 'custom';
  readonly skill_id: string;
  readonly version: string;
}

export interface SkillVersion {
  readonly resource: Readonly<Record<string, string>> & { readonly id: string };
  readonly archive: Uint8Array;
}

export class Skills {
  readonly #clock: Clock;
  readonly #versions = new Map<string, SkillVersion[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds a version; the reference names that version. */
  add(options: SkillOptions): SkillReference {
    const { id: skill_id = newId('skill'), name, description = '' } = options;
    const id = newId('skillver');
    const resource = {
      type: 'skill_version',
      id,
      skill_id,
      name,
      description,
      created_at: this.#clock.stamp(),
    };
    const versions = this.#versions.get(skill_id) ?? [];
    versions.push({ resource, archive: options.archive ?? archiveOf(options) });
    this.#versions.set(skill_id, versions);
    return { type: 'custom', skill_id, version: id };
  }

  /** Newest first; the API's 404 for a skill that there is not. */
  versions(skillId: string): SkillVersion[] {
    const versions = this.#versions.get(skillId);
    if (versions === undefined) throw new ApiError(404, `skill ${skillId} was not found`);
    return versions.toReversed();
  }

  /** A version by its id. */
  version(skillId: string, id: string): SkillVersion {
    const found = this.versions(skillId).find(({ resource }) => resource.id === id);
    if (found === undefined) throw new ApiError(404, `version ${id} of skill ${skillId} was not found`);
    return found;
  }

  /** A version by its id or the alias `latest`. */
  resolve(skillId: string, alias: string): SkillVersion {
    const [latest] = this.versions(skillId);
    return alias === 'latest' && latest !== undefined ? latest : this.version(skillId, alias);
  }
}

function archiveOf({ name, files = {}, executable = [], format = 'zip' }: SkillOptions): Uint8Array {
  const inside = Object.entries(files).map(([path, content]) => ({
    name: `${name}/${path}`,
    content,
    executable: executable.includes(path),
  }));
  return format === 'zip' ? zipOf(inside) : tarOf(inside);
}
