import assert from "node:assert/strict";
import { test } from "node:test";

import { clean, command, decode, isEvent, length, mayReturn, newSession } from "../../rooms/static/rooms/protocol.js";

test("a syllable sent as three jamo counts as one", () => {
  assert.equal(length("한".normalize("NFD")), 1);
});

test("white space around a text does not count", () => {
  assert.equal(length("  마루\n"), 2);
  assert.equal(clean("\u3000마루 "), "마루");
});

test("a family emoji counts its code points", () => {
  assert.equal(length("👨‍👩‍👧‍👦"), 7);
});

test("close codes 4500 to 4999 end the connection, all others are come back from", () => {
  assert.deepEqual([1000, 1006, 4001, 4499, 5000].map(mayReturn), [true, true, true, true, true]);
  assert.deepEqual([4500, 4501, 4999].map(mayReturn), [false, false, false]);
});

test("a frame that is no message is null", () => {
  assert.deepEqual(["", "[1]", "null", "{}", '{"type":1}'].map(decode), [null, null, null, null, null]);
  assert.deepEqual(decode('{"type":"SERVER_X"}'), { type: "SERVER_X" });
});

test("an answer to a join, a refusal and an answer to an exit are no events", () => {
  assert.equal(isEvent({ seq: 5, members: [] }), false);
  assert.equal(isEvent({ seq: 5, status: false }), false);
  assert.equal(isEvent({ status: true }), false);
  assert.equal(isEvent({ seq: 5, status: true }), true);
});

test("a join says after what only when there is something to go on from", () => {
  assert.equal("after" in command.join(1, "마루", null, "r"), false);
  assert.equal(command.join(1, "마루", 7, "r").after, 7);
});

test("a session is sixteen hexadecimal digits, so its refs stay under 36 characters", () => {
  assert.equal(newSession((bytes) => bytes.fill(10)), "0a".repeat(8));
});
