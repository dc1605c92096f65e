import type { Notice } from '../../src/workflows/notice.ts';

export const SECRET = `whsec_${Buffer.from('a secret of twenty-four bytes').toString('base64')}`;

export const sample: Notice = {
  id: 'msg_1',
  timestamp: '2027-01-01T00:00:00.000Z',
  type: 'session.stuck',
  data: {
    session: 'sesn_1',
    title: 'Grüße aus „Zürich“',
    host: null,
    waitingFor: 'a host for the tools',
    since: '2027-01-01T00:00:00.000Z',
    openCalls: 1,
  },
};
