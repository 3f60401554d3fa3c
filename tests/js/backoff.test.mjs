import assert from "node:assert/strict";
import { test } from "node:test";

import { bound, delay } from "../../rooms/static/rooms/backoff.js";

test("the bound doubles from half a second and stops at fifteen", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 50].map(bound), [500, 1000, 2000, 4000, 8000, 15000, 15000]);
});

test("the wait is drawn from the whole range below the bound", () => {
  assert.equal(delay(3, () => 0), 0);
  assert.equal(delay(3, () => 0.5), 2000);
});

test("the wait is finite after any number of tries", () => {
  assert.equal(delay(5000, () => 1), 15000);
});
