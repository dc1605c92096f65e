import { holdfast } from './holdfast.ts';
import type { Peer, PeerName } from './peer.ts';
import { python } from './python.ts';
import { sdk } from './sdk.ts';
import { straightforward } from './straightforward.ts';

export const peerByName: Readonly<Record<PeerName, Peer>> = { holdfast, straightforward, sdk, python };
