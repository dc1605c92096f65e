/** The scratch project that the demo's agent mends: two faults, three tests, nothing to install. */

export const SOURCE_FILE = 'cart.mjs';
export const TEST_FILE = 'cart.test.mjs';

export const SOURCE = `/** Prices are in cents. */
export function total(items) {
  return items.reduce((sum, item) => sum + item.price, 0);
}

export function discounted(cents, percent) {
  return cents - cents * percent;
}
`;

export const TESTS = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { discounted, total } from './${SOURCE_FILE}';

test('an empty cart costs nothing', () => assert.equal(total([]), 0));
test('the total counts quantities', () => assert.equal(total([{ price: 250, quantity: 4 }]), 1000));
test('a discount is in percent', () => assert.equal(discounted(1000, 10), 900));
`;

/** Each mends one fault. */
export const EDITS = [
  { old_string: 'sum + item.price,', new_string: 'sum + item.price * item.quantity,' },
  { old_string: 'cents * percent;', new_string: '(cents * percent) / 100;' },
] as const;
