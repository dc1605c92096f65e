/**
 * Puts the messages and stack traces of failures into payloads, which a codec then encrypts. Loaded by path: in the
 * worker, in clients and in the workflow sandbox.
 */
import { ApplicationFailure, DefaultFailureConverter, defaultFailureConverter } from '@temporalio/common';

/** Of the error for a payload that cannot be decrypted (payload-codec.ts). */
const NO_KEY = 'PayloadKeyError';

class EncodedFailures extends DefaultFailureConverter {
  override errorToFailure(...args: Parameters<DefaultFailureConverter['errorToFailure']>) {
    // What key is missing is no secret, and whoever lacks it must be able to read that.
    return isAboutKeys(args[0])
      ? defaultFailureConverter.errorToFailure(...args)
      : super.errorToFailure(...args);
  }
}

function isAboutKeys(error: unknown): boolean {
  const type =
    error instanceof ApplicationFailure ? error.type : error instanceof Error ? error.name : undefined;
  return type === NO_KEY;
}

export const failureConverter = new EncodedFailures({ encodeCommonAttributes: true });
