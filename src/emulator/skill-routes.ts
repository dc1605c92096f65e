/** The endpoints on skills, and on the emulator's own way to make them (api.md §1.8). */
import type { Hono } from 'hono';
import { type ApiParts, enter, type HttpEnv, queryOf, read, readObject } from './http.ts';
import { readPage } from './page.ts';
import { skillOptions, skillSchema } from './seed.ts';

const VERSIONS = '/v1/skills/:skill/versions';

export function skillRoutes(app: Hono<HttpEnv>, parts: ApiParts): void {
  const { skills } = parts;

  app.get(VERSIONS, async c => {
    await enter(parts, c, 'skill');
    const versions = skills.versions(c.req.param('skill')).map(({ resource }) => resource);
    return c.json(readPage(versions, queryOf(c), { max: 100, standard: 20 }));
  });

  app.get(`${VERSIONS}/:version`, async c => {
    await enter(parts, c, 'skill');
    return c.json(skills.resolve(c.req.param('skill'), c.req.param('version')).resource);
  });

  // Only the endpoint above resolves `latest`.
  app.get(`${VERSIONS}/:version/content`, async c => {
    await enter(parts, c, 'skill_content');
    const { archive } = skills.version(c.req.param('skill'), c.req.param('version'));
    return c.body(new Uint8Array(archive), 200, { 'content-type': 'application/octet-stream' });
  });

  app.post('/_emulator/skills', async c => {
    return c.json(skills.add(skillOptions(read(skillSchema, await readObject(parts, c)))));
  });
}
