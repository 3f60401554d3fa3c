import assert from "node:assert/strict";
import { test } from "node:test";

import { FEW, rows, tally } from "../../rooms/static/rooms/gather.js";

let count = 0;
const line = (kind, more = {}) => ({ kind, key: `k${(count += 1)}`, at: 0, nickname: "마루", tag: "t", ...more });
const chat = (more) => line("chat", more);

test("the second line of the same person within a minute goes on from the first", () => {
  const shown = rows([chat(), chat({ at: 59_000 }), chat({ at: 119_000 }), chat({ at: 119_500, tag: "u" })]);
  assert.deepEqual(shown.map((row) => row.follows), [false, true, false, false]);
});

test("anything between two lines ends the run", () => {
  assert.equal(rows([chat(), line("join"), chat()])[2].follows, false);
});

test("a few comings and goings are lines, many are one row that keeps its key while it grows", () => {
  const few = Array.from({ length: FEW }, () => line("join"));
  assert.equal(rows(few).length, FEW);
  const many = [...few, line("exit")];
  const [row] = rows(many);
  assert.deepEqual(tally(row.lines), { came: FEW, went: 1 });
  assert.equal(rows([...many, line("exit")])[0].key, row.key);
});

test("who is hidden is not shown, and whoever goes on is named anew", () => {
  const lines = [chat(), chat({ tag: "troll" }), chat()];
  const shown = rows(lines, (each) => each.tag === "troll");
  assert.deepEqual(shown.map((row) => [row.line.tag, row.follows]), [["t", false], ["t", true]]);
});

test("a host who was away for a moment is not spoken of", () => {
  assert.deepEqual(rows([chat(), line("away"), line("back"), chat()]).map((row) => row.line.kind), ["chat", "chat"]);
  assert.deepEqual(rows([line("away"), chat(), line("back")]).map((row) => row.line.kind), ["away", "chat", "back"]);
});
