import assert from "node:assert/strict";
import { test } from "node:test";

import { Composer } from "../../rooms/static/rooms/composer.js";

const enter = (more = {}) => ({ type: "keydown", key: "Enter", code: "Enter", keyCode: 13, isComposing: false, shiftKey: false, ...more });
const process = (more = {}) => enter({ key: "Process", keyCode: 229, isComposing: true, ...more });
const begin = { type: "compositionstart", data: "" };
const made = (data) => ({ type: "compositionupdate", data });
const end = (data) => ({ type: "compositionend", data });
const lineBreak = { type: "beforeinput", inputType: "insertLineBreak" };

/** Which of these events made the text go. */
function sends(...events) {
  const composer = new Composer();
  return events.map((event) => composer.take(event).send);
}

test("Enter sends, Shift+Enter is a new line", () => {
  assert.deepEqual(sends(enter()), [true]);
  assert.deepEqual(sends(enter({ shiftKey: true }), lineBreak), [false, false]);
});

test("Chrome: Enter while a Korean syllable is being made sends at its end", () => {
  assert.deepEqual(sends(begin, made("녕"), process(), end("녕")), [false, false, false, true]);
});

test("Chrome: an end that tells no text is judged by the last update", () => {
  assert.deepEqual(sends(begin, made("녕"), process(), end("")), [false, false, false, true]);
});

test("Chrome: Enter that chooses a Japanese candidate only ends the composition", () => {
  assert.deepEqual(sends(begin, made("日本"), process(), end("日本")), [false, false, false, false]);
});

test("Chrome: the next Enter after a Japanese candidate sends", () => {
  assert.deepEqual(sends(begin, made("日本"), process(), end("日本"), enter()).at(-1), true);
});

test("a composition that ends without Enter sends nothing", () => {
  assert.deepEqual(sends(begin, made("녕"), end("녕")), [false, false, false]);
});

test("an Enter of an earlier composition does not send a later one", () => {
  assert.deepEqual(sends(begin, process(), begin, made("녕"), end("녕")).at(-1), false);
});

test("Safari: the Enter that comes after the end of a Korean syllable sends", () => {
  assert.deepEqual(sends(begin, made("녕"), end("녕"), enter({ keyCode: 229 })), [false, false, false, true]);
});

test("Safari: the Enter that comes after the end of a Japanese candidate does not send", () => {
  assert.deepEqual(sends(begin, made("日本"), end("日本"), enter({ keyCode: 229 })), [false, false, false, false]);
});

test("Android: a line break without a key sends, and is not written", () => {
  const composer = new Composer();
  composer.take(enter({ key: "Unidentified", code: "", keyCode: 229 }));
  assert.deepEqual(composer.take(lineBreak), { send: true, prevent: true });
});

test("a line break in the middle of a composition is not written and sends nothing", () => {
  const composer = new Composer();
  composer.take(begin);
  assert.deepEqual(composer.take(lineBreak), { send: false, prevent: true });
});

test("it knows whether a composition is under way", () => {
  const composer = new Composer();
  composer.take(begin);
  assert.equal(composer.composing, true);
  composer.take(end("녕"));
  assert.equal(composer.composing, false);
});

/* Orders as they were recorded, Enter pressed while 녕 is being made; each ends with what makes the text go, or nothing. */

const key229 = (more = {}) => enter({ key: "Process", code: "KeyD", keyCode: 229, isComposing: true, ...more });
const android = { type: "keydown", key: "Unidentified", code: "", keyCode: 229, isComposing: true, shiftKey: false };
const ORDERS = {
  "Chrome on Windows": [begin, key229(), made("녕"), process(), end("녕"), enter()],
  "Chrome on macOS": [begin, made("녕"), enter({ keyCode: 229, isComposing: true }), end("녕"), enter()],
  "Chrome on macOS, an input method that keeps Enter": [begin, made("녕"), enter({ keyCode: 229, isComposing: true }), end("녕")],
  "Firefox on Windows": [begin, made("녕"), process(), end("녕"), { type: "input", isComposing: false }, enter()],
  "Firefox on Linux, ibus": [begin, made("녕"), end("녕"), enter()],
  "Safari on macOS": [begin, made("녕"), end("녕"), enter({ keyCode: 229 })],
  "Safari on iOS": [begin, made("녕"), end("녕"), enter(), lineBreak],
  "Gboard, which ends the composition first": [begin, android, made("녕"), end("녕"), android, lineBreak],
  "Samsung, which breaks the line first": [begin, android, made("녕"), android, lineBreak, end("녕")],
};

for (const [browser, events] of Object.entries(ORDERS)) {
  test(`${browser}: one Enter sends once`, () => {
    const composer = new Composer();
    const box = { text: "녕", said: [] };
    for (const event of events) {
      const { send } = composer.take(event);
      if (send && box.text) box.said.push(box.text);
      if (send) box.text = "";
    }
    assert.deepEqual(box.said, ["녕"]);
  });
}

test("Enter that only moved a candidate window does not send what is finished by going on typing", () => {
  assert.equal(sends(begin, made("녕"), process(), key229(), made("녕"), end("녕")).at(-1), false);
});

test("Chinese letters and Hanja chosen with Enter wait for one more", () => {
  for (const word of ["你好", "漢字", "カナ", "abc"]) {
    assert.deepEqual(sends(begin, made(word), process(), end(word), enter()).slice(-2), [false, true]);
  }
});

test("the button while something is being made sends at its end, once, in any script", () => {
  for (const word of ["녕", "日本"]) {
    const composer = new Composer();
    composer.take(begin);
    composer.take(made(word));
    assert.equal(composer.press(), false);
    assert.equal(composer.take(end(word)).send, true);
    assert.equal(composer.press(), true);
    composer.take(begin);
    assert.equal(composer.take(end(word)).send, false);
  }
});
