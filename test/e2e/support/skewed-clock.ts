/** Preloaded by a worker (`--import`): its wall clock is wrong by what stands in the file CLOCK_SKEW, in ms. */
import { readFileSync } from 'node:fs';

const RealDate = Date;
let skew = 0;
let readAt = Number.NEGATIVE_INFINITY;

function skewed(): number {
  // The file may change at any time: then the clock jumps.
  if (performance.now() - readAt > 20) {
    readAt = performance.now();
    skew = Number(readFileSync(process.env.CLOCK_SKEW ?? '', 'utf8'));
  }
  return RealDate.now.call(undefined) + skew;
}

class SkewedDate extends RealDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(skewed());
    else super(...(args as [number]));
  }

  static override now(): number {
    return skewed();
  }
}

globalThis.Date = SkewedDate as DateConstructor;
