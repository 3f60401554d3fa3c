import assert from "node:assert/strict";
import { test } from "node:test";

import { split } from "../../rooms/static/rooms/links.js";

const links = (text) => split(text).filter((piece) => piece.href).map((piece) => piece.text);

test("a text without a link is one piece, and nothing is lost or added", () => {
  assert.deepEqual(split("안녕하세요"), [{ text: "안녕하세요" }]);
  for (const text of ["", "a https://a.kr b", "https://a.kr", "(https://a.kr/x)에서, http://b.kr!"]) {
    assert.equal(split(text).map((piece) => piece.text).join(""), text);
  }
});

test("only http and https become links", () => {
  assert.deepEqual(links("http://a.kr HTTPS://b.kr ftp://c.kr javascript:alert(1) data:text/html,x www.d.kr"), ["http://a.kr", "HTTPS://b.kr"]);
});

test("the sentence's own marks are no part of the address", () => {
  assert.deepEqual(links("https://a.kr/b. https://a.kr/c, (https://a.kr/d) “https://a.kr/e” https://a.kr/f?!"), [
    "https://a.kr/b", "https://a.kr/c", "https://a.kr/d", "https://a.kr/e", "https://a.kr/f",
  ]);
  assert.deepEqual(links("https://a.kr/x_(y)"), ["https://a.kr/x_(y)"]);
});

test("a Korean particle is no part of the address, a Korean path is", () => {
  assert.deepEqual(links("https://a.kr/b에서 봐요"), ["https://a.kr/b"]);
  assert.deepEqual(links("https://a.kr입니다."), ["https://a.kr"]);
  assert.deepEqual(links("https://ko.wikipedia.org/wiki/사랑방"), ["https://ko.wikipedia.org/wiki/사랑방"]);
});

test("an address that hides where it leads is no link", () => {
  assert.deepEqual(links("https://bank.kr@evil.kr/ https://a:b@evil.kr http:// https://"), []);
});
