/** Runs the finder with the options in its argument and writes the outcome as one line of JSON. */
import { findTemporal } from '../../../src/dev/temporal-finder.ts';

const options = JSON.parse(process.argv[2] ?? '') as Parameters<typeof findTemporal>[0];
console.log(JSON.stringify(await findTemporal({ ...options, output: process.stderr })));
