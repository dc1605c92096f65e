/** What a Temporal server says of a request that it did not carry out. */
import { isGrpcServiceError } from '@temporalio/client';
import { errorText } from './error-text.ts';

/** gRPC status codes. */
export const INVALID_ARGUMENT = 3;
export const DEADLINE_EXCEEDED = 4;
export const NOT_FOUND = 5;
export const ALREADY_EXISTS = 6;
export const PERMISSION_DENIED = 7;
export const UNIMPLEMENTED = 12;
export const UNAUTHENTICATED = 16;

/** Of the error and of its cause: the client often wraps what the server said. None where no server said anything. */
export function codesOf(error: unknown): number[] {
  const cause = error instanceof Error ? error.cause : undefined;
  return [error, cause].flatMap(each => (isGrpcServiceError(each) ? [Number(each.code)] : []));
}

/** The server's own words; without any, those of the error. */
export function detailsOf(error: unknown): string {
  const details = isGrpcServiceError(error) ? error.details : '';
  return details === '' ? errorText(error) : details;
}
