/** The API's error envelope (api.md §1.1). */

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  409: 'invalid_request_error',
  412: 'invalid_request_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** The `error.type` that the API sends with a status; every other status is an `api_error`. */
export function errorType(status: number): string {
  return TYPES[status] ?? (status >= 500 ? 'api_error' : 'invalid_request_error');
}

/** A refusal that the client sees as the envelope, with its HTTP status. */
export class ApiError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** More of the envelope's `error`: `details`, or another `type`. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    fields: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.headers = headers;
    this.fields = fields;
  }
}

export interface ErrorEnvelope {
  readonly type: 'error';
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id: string;
}

export function envelope(
  status: number,
  message: string,
  requestId: string,
  fields: Readonly<Record<string, unknown>> = {},
): ErrorEnvelope {
  return { type: 'error', error: { type: errorType(status), message, ...fields }, request_id: requestId };
}
