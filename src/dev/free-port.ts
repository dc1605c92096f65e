import { createServer } from 'node:net';

/** A port nobody listens on at this moment. Another process may take it before its user does: retry on EADDRINUSE. */
export async function freePort(host: string): Promise<number> {
  const port = await bind(host, 0);
  if (port === undefined) throw new Error(`no free port on ${host}`);
  return port;
}

/** Whether a listener on `host` could have this port now. @throws the system's error for any other obstacle. */
export async function isPortFree(host: string, port: number): Promise<boolean> {
  return (await bind(host, port)) !== undefined;
}

function bind(host: string, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(port, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}
