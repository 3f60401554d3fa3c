import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, arrange, found, meaning, named, randomRoom, start } from "../../rooms/static/rooms/listing.js";

/** @returns {Wire.ListedRoom} */
const room = (roomID, roomName, participants, more = {}) => ({
  roomID, roomName, participants, host: "마루", locked: false, topic: "", createdAt: roomID, ...more,
});
const list = (...rooms) => start(rooms);
const ids = (rooms) => rooms.map((each) => each.roomID);

test("the fullest room is first, among equals the oldest", () => {
  assert.deepEqual(ids(list(room(1, "가", 2), room(3, "나", 5), room(2, "다", 5)).rooms), [2, 3, 1]);
});

test("a room that is to stand later comes after the first ten, by the number of its people", () => {
  const others = Array.from({ length: 12 }, (_, place) => room(place + 1, "가", 20 - place));
  const shown = ids(list(room(99, "나", 30, { later: true }), ...others).rooms);
  assert.deepEqual(shown, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99, 11, 12]);
});

test("list + update = list with new, changed and removed rooms", () => {
  /** @type {Wire.ServerRoomUpdateAnswer} */
  const message = { type: "SERVER_ROOM_UPDATE", rooms: [room(2, "나", 9), room(4, "라", 1)], removed: [1], total: 3 };
  const after = apply(list(room(1, "가", 2), room(2, "나", 1), room(3, "다", 2)), message);
  assert.deepEqual(after.rooms.map((each) => [each.roomID, each.participants]), [[2, 9], [3, 2], [4, 1]]);
  assert.equal(after.total, 3);
});

test("a list that comes again replaces the old one", () => {
  const after = apply(list(room(1, "가", 2)), { type: "SERVER_ROOM_LIST", status: true, rooms: [room(2, "나", 1)], total: 1 });
  assert.deepEqual(ids(after.rooms), [2]);
});

test("refused and unknown messages change nothing", () => {
  const before = list(room(1, "가", 2));
  assert.equal(apply(before, { type: "SERVER_ROOM_LIST", status: false, rooms: [], total: 0, error: "too_fast", detail: "" }), before);
  assert.equal(apply(before, /** @type {any} */ ({ type: "SERVER_NEWS" })), before);
});

test("search looks at names and hosts, whatever their case and composition", () => {
  const state = list(room(1, "Cafe", 2), room(2, "사랑방", 1, { host: "하늘" }));
  assert.deepEqual(ids(found(state, " cAFE")), [1]);
  assert.deepEqual(ids(found(state, "사랑".normalize("NFD"))), [2]);
  assert.deepEqual(ids(found(state, "하늘")), [2]);
  assert.deepEqual(ids(found(state, "")), [1, 2]);
});

test("a room is found by a differently written name", () => {
  assert.equal(named(list(room(1, "Cafe", 2)), "ＣＡＦＥ ").roomID, 1);
  assert.equal(named(list(room(1, "Cafe", 2)), "Caf"), null);
});

test("a random room is unlocked and has people in it", () => {
  const state = list(room(1, "가", 3, { locked: true }), room(2, "나", 1), room(3, "다", 0));
  assert.equal(randomRoom(state, () => 0.999).roomID, 2);
  assert.equal(randomRoom(list(room(3, "다", 0))), null);
});

test("while a hand is over the list everything stays where it was", () => {
  const shown = arrange([room(1, "가", 3), room(2, "나", 2), room(3, "다", 1)], [], false);
  const held = arrange([room(4, "라", 9), room(3, "다", 8), room(1, "가", 3)], shown, true);
  assert.deepEqual(held.map((each) => [each.room.roomID, each.room.participants, each.gone]), [
    [1, 3, false], [2, 2, true], [3, 8, false], [4, 9, false],
  ]);
  assert.deepEqual(arrange([room(4, "라", 9)], held, false).map((each) => each.room.roomID), [4]);
});

test("what a name means: enter, make, or either when not all rooms are known", () => {
  const state = list(room(1, "가", 3));
  assert.deepEqual(["가", "나", ""].map((name) => meaning(state, name, false)), ["enter", "make", "enter"]);
  assert.equal(meaning({ ...state, total: 900 }, "나", false), "either");
  assert.equal(meaning(state, "가", true), "make");
});
