import assert from "node:assert/strict";
import { test } from "node:test";

import { matches } from "../../rooms/static/rooms/hangul.js";

test("every keystroke of a name finds it", () => {
  for (const typed of ["ㅅ", "사", "살", "사라", "사랑", "사랑ㅂ", "사랑바", "사랑방"]) assert.ok(matches("우리 사랑방", typed), typed);
  for (const typed of ["ㄱ", "고", "괘", "괜", "괜ㅊ", "괜차", "괜찬", "괜찮", "괜찮아"]) assert.ok(matches("괜찮아", typed), typed);
});

test("initials find syllables", () => {
  assert.ok(matches("사랑방 이야기", "ㅅㄹㅂ"));
  assert.ok(!matches("사랑방", "ㅂㄹㅅ"));
});

test("case, width, composition and white space around do not matter", () => {
  assert.ok(matches("Cafe", " cAF"));
  assert.ok(matches("ＣＡＦＥ", "cafe"));
  assert.ok(matches("사랑방".normalize("NFD"), "사랑"));
});

test("what is not there is not found", () => {
  assert.ok(!matches("사랑방", "사람"));
  assert.ok(!matches("cafe", "ㅋ"));
  assert.ok(matches("anything", ""));
});
