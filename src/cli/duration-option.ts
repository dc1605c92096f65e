/** An option that is a duration as in the environment variables: `500ms`, `30s`, `5m`. */
import { InvalidArgumentError } from 'commander';
import { milliseconds } from '../duration.ts';

/** @returns commander's parser for `flag`: text to milliseconds. */
export function durationOf(flag: string): (text: string) => number {
  return text => {
    try {
      return milliseconds(flag, text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };
}
