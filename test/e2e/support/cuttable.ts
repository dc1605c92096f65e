/**
 * A way to a server that can be cut and mended. Cut, it looks half-open from the near side: connections stay, and
 * nothing comes back. The server has noticed: it would wait a minute for answers to its long polls else.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface Cuttable {
  /** `host:port` to use instead of the server's. */
  readonly address: string;
  /** From now on nothing passes, also not through new connections. */
  cut(): void;
  /** Old connections are dead; new ones pass. */
  mend(): void;
  close(): Promise<void>;
}

export async function cuttable(target: string): Promise<Cuttable> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  const far = new Set<Socket>();
  let isCut = false;
  const server = createServer(near => {
    sockets.add(near);
    near.on('error', () => {}).on('close', () => sockets.delete(near));
    if (isCut) return void near.on('data', () => {});
    const there = connect(Number(port), host);
    far.add(there);
    there
      .on('error', () => {})
      .on('close', () => {
        far.delete(there);
        if (!isCut) near.destroy();
      });
    near.on('close', () => there.destroy());
    near.on('data', bytes => isCut || there.write(bytes));
    there.on('data', bytes => isCut || near.write(bytes));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    address: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    cut: () => {
      isCut = true;
      for (const socket of far) socket.destroy();
    },
    mend: () => {
      isCut = false;
      drop();
    },
    close: () => {
      drop();
      return new Promise(resolve => server.close(() => resolve()));
    },
  };
}
