import assert from "node:assert/strict";
import { test } from "node:test";

import { LINES_MAX, apply, isHidden, isHost, isOwn, keep, start } from "../../rooms/static/rooms/store.js";

const ROOM = 77;
const NOW = 1_000_000;

/** @param {Wire.Incoming} message @returns {Page.Event} */
const server = (message, now = NOW) => ({ type: "server", message, now });
/** @param {Page.State} state @param {Page.Event[]} events */
const run = (state, ...events) => events.reduce(apply, state);
/** @param {Partial<Page.Start>} more */
const fresh = (more = {}) => start({ session: "s", roomID: ROOM, roomName: "사랑방", nickname: "마루", ...more });
const named = (page = {}) => fresh({ roomID: null, canCreate: true, ...page });
const member = (nickName) => ({ nickName, tag: `tag${nickName}` });

/**
 * The answer to whatever the state asked last to get in.
 * @param {Page.State} state @param {Partial<Wire.Entered>} more
 */
const answer = (state, more = {}) =>
  server(/** @type {Wire.ServerRoomJoinAnswer} */ ({
    type: "SERVER_ROOM_JOIN", status: true, ref: state.entry, roomID: ROOM, roomName: "사랑방", nickName: "마루", tag: "tag마루",
    host: "하늘", participants: 2, members: [member("하늘"), member("마루")], topic: "", locked: false, slow: 0, mutedUntil: 0, seq: 10, at: NOW, ...more,
  }));
/** @param {Page.State} state @param {Wire.IncomingRefusal["error"]} error @param {Partial<Wire.IncomingRefusal>} more */
const refusal = (state, error, more = {}) =>
  server(/** @type {any} */ ({ type: "SERVER_ROOM_JOIN", status: false, ref: state.entry, roomID: ROOM, error, detail: "", ...more }));
/** @template {Wire.IncomingEvent["type"]} Type @param {Type} type @param {Wire.Fields<Type>} more */
const event = (type, seq, more = {}) =>
  server(/** @type {any} */ ({ type, status: true, roomID: ROOM, seq, at: NOW, participants: 2, ...more }));
/** @param {Wire.Fields<"SERVER_CHAT_SEND">} more */
const chat = (seq, message, more = {}) =>
  event("SERVER_CHAT_SEND", seq, { nickname: "하늘", tag: "tag하늘", message, ref: `other-${seq}`, ...more });
const echo = (seq, line, more = {}) => chat(seq, line.message, { nickname: "마루", tag: "tag마루", ref: line.ref, ...more });

/**
 * A state that is in the room.
 * @param {Partial<Wire.Entered>} more
 */
function inside(more = {}) {
  const asking = apply(fresh(), { type: "connected" });
  return apply(asking, answer(asking, more));
}

const texts = (state) => state.lines.map((line) => line.message ?? line.kind);
const types = (state) => state.outgoing.map((frame) => frame.type);
/** @type {Page.Event} */
const lost = { type: "waiting", retryAt: NOW + 500 };

/* Entering */

test("a page without a nickname asks for one, and sends nothing", () => {
  const state = apply(fresh({ nickname: "" }), { type: "connected" });
  assert.equal(state.phase, "asking");
  assert.deepEqual(state.outgoing, []);
});

test("a page with a nickname and a room's number joins once connected", () => {
  assert.deepEqual(apply(fresh(), { type: "connected" }).outgoing, [
    { type: "CLIENT_ROOM_JOIN", roomID: ROOM, userName: "마루", ref: "s-1" },
  ]);
});

test("a page with only a name makes the room", () => {
  assert.deepEqual(apply(named(), { type: "connected" }).outgoing, [
    { type: "CLIENT_ROOM_CREATE", roomName: "사랑방", userName: "마루", listed: true, ref: "s-1" },
  ]);
});

test("the nickname is sent as the server will see it", () => {
  const state = run(fresh({ nickname: "" }), { type: "connected" }, { type: "nickname", nickname: " 마루 ".normalize("NFD") });
  assert.equal(state.outgoing[0].userName, "마루");
});

test("asking + answer = in the room, with its facts", () => {
  const { phase, joined, me, host, participants, seq, after, lines } = inside();
  assert.deepEqual({ phase, joined, me, host, participants, seq, after }, {
    phase: "in", joined: true, me: { nickname: "마루", tag: "tag마루" }, host: "하늘", participants: 2, seq: 10, after: 10,
  });
  assert.deepEqual(lines.map((line) => line.kind), ["entered"]);
});

test("a create that is answered makes its maker the host", () => {
  const asking = apply(named(), { type: "connected" });
  const state = apply(asking, answer(asking, { type: "SERVER_ROOM_CREATE", host: "마루", participants: 1 }));
  assert.equal(isHost(state), true);
  assert.equal(state.roomID, ROOM);
});

test("a create without an answer is asked again with the same ref", () => {
  const state = run(named(), { type: "connected" }, lost, { type: "connected" });
  assert.equal(state.outgoing[0].ref, "s-1");
});

test("a name that is taken meanwhile is joined", () => {
  const asking = apply(named(), { type: "connected" });
  const state = apply(asking, refusal(asking, "room_name_taken", { type: "SERVER_ROOM_CREATE", roomID: ROOM }));
  assert.deepEqual(state.outgoing, [{ type: "CLIENT_ROOM_JOIN", roomID: ROOM, userName: "마루", ref: "s-2" }]);
});

test("a room that is gone is made anew by a page that has its name", () => {
  const asking = apply(fresh({ canCreate: true }), { type: "connected" });
  assert.deepEqual(types(apply(asking, refusal(asking, "room_not_found"))), ["CLIENT_ROOM_CREATE"]);
});

test("a room by invitation that is gone is not made anew", () => {
  const asking = apply(fresh(), { type: "connected" });
  const state = apply(asking, refusal(asking, "room_not_found"));
  assert.deepEqual([state.phase, state.closed.reason, state.outgoing], ["closed", "not_found", []]);
});

test("a room that is neither there nor to be made is waited for after a few tries", () => {
  let state = apply(named(), { type: "connected" });
  /** @type {Wire.IncomingRefusal["error"][]} */
  const errors = ["room_name_taken", "room_not_found", "room_name_taken"];
  for (const error of errors) state = apply(state, refusal(state, error));
  assert.deepEqual(state.outgoing, []);
  assert.ok(state.wait.ms > 0);
  assert.equal(apply(state, { type: "again" }).outgoing.length, 1);
});

test("a refused nickname is asked for again, with the reason", () => {
  const asking = apply(fresh(), { type: "connected" });
  const state = apply(asking, refusal(asking, "name_taken"));
  assert.deepEqual([state.phase, state.refusal.error], ["asking", "name_taken"]);
  assert.equal(apply(state, { type: "nickname", nickname: "구름" }).outgoing[0].userName, "구름");
});

test("a busy server is asked again after the wait, with the same ref for a create", () => {
  const asking = apply(named(), { type: "connected" });
  const waiting = apply(asking, refusal(asking, "too_fast", { retryAfter: 300 }));
  assert.deepEqual([waiting.phase, waiting.wait], ["entering", { ms: 300 }]);
  assert.equal(apply(waiting, { type: "again" }).outgoing[0].ref, "s-1");
});

test("somebody else's answer or another room's event changes nothing", () => {
  const state = inside();
  assert.deepEqual(apply(state, chat(11, "딴 방", { roomID: 5 })), { ...state, outgoing: [] });
});

/* What happens in the room */

test("state + chat = one more line, and the count of that moment", () => {
  const state = apply(inside(), chat(11, "안녕하세요", { participants: 7 }));
  assert.deepEqual(texts(state), ["entered", "안녕하세요"]);
  assert.equal(state.participants, 7);
});

test("state + join + exit = the members as they are", () => {
  const came = apply(inside(), event("SERVER_ROOM_JOIN", 11, { nickName: "구름", tag: "t", participants: 3 }));
  assert.deepEqual(came.members.map((each) => each.nickName), ["하늘", "마루", "구름"]);
  const went = apply(came, event("SERVER_ROOM_EXIT", 12, { nickName: "하늘", tag: "t", reason: "left", participants: 2 }));
  assert.deepEqual(went.members.map((each) => each.nickName), ["마루", "구름"]);
  assert.deepEqual(texts(went), ["entered", "join", "exit"]);
});

test("an event that comes twice is shown once", () => {
  assert.deepEqual(texts(run(inside(), chat(11, "한 번"), chat(11, "한 번"))), ["entered", "한 번"]);
});

test("an unknown event keeps seq and count right and shows nothing", () => {
  const state = apply(inside(), event(/** @type {any} */ ("SERVER_ROOM_WEATHER"), 11, /** @type {any} */ ({ participants: 9, sky: "blue" })));
  assert.deepEqual([state.seq, state.participants, texts(state)], [11, 9, ["entered"]]);
});

test("an unknown message and an unknown event of the page change nothing", () => {
  const state = inside();
  assert.deepEqual(run(state, server(/** @type {any} */ ({ type: "SERVER_NEWS" })), /** @type {any} */ ({ type: "yawn" })), { ...state, outgoing: [] });
});

test("a deletion closes the room and says why", () => {
  const state = apply(inside(), event("SERVER_ROOM_DELETE", 11, { reason: "host_left", participants: 0 }));
  assert.deepEqual([state.phase, state.closed.reason, state.participants, state.members], ["closed", "host_left", 0, []]);
});

test("the host's absence counts down by this machine's clock", () => {
  const away = event("SERVER_HOST_AWAY", 11, { nickName: "하늘", at: NOW - 5000, closesAt: NOW + 25_000 });
  assert.equal(apply(inside(), away).closesAt, NOW + 30_000);
  assert.equal(run(inside(), away, event("SERVER_HOST_BACK", 12, { nickName: "하늘" })).closesAt, null);
});

test("one's own exit by the host's hand closes the room, another's does not", () => {
  const kicked = (nickName) => event("SERVER_ROOM_EXIT", 11, { nickName, tag: "t", reason: "kicked" });
  assert.equal(apply(inside(), kicked("마루")).closed.reason, "kicked");
  assert.equal(apply(inside(), kicked("하늘")).phase, "in");
});

test("only the newest lines are kept", () => {
  const many = Array.from({ length: LINES_MAX + 20 }, (_, index) => chat(11 + index, `${index}`));
  const { lines } = run(inside(), ...many);
  assert.equal(lines.length, LINES_MAX);
  assert.equal(lines.at(-1).message, `${LINES_MAX + 19}`);
});

/* Saying */

const saying = (state, message = "안녕") => apply(state, { type: "say", message, now: NOW });

test("one's own line appears at once and is sent", () => {
  const state = saying(inside());
  assert.deepEqual([state.pending[0].status, state.pending[0].message], ["sending", "안녕"]);
  assert.deepEqual(state.outgoing, [{ type: "CLIENT_CHAT_SEND", roomID: ROOM, userName: "마루", message: "안녕", ref: state.pending[0].ref }]);
  assert.equal(isOwn(state, state.pending[0]), true);
});

test("saying + echo = one settled line under the same key", () => {
  const said = saying(inside());
  const state = apply(said, echo(11, said.pending[0]));
  assert.deepEqual([state.pending, texts(state)], [[], ["entered", "안녕"]]);
  assert.equal(state.lines.at(-1).key, said.pending[0].key);
});

test("another's line with the same ref settles nothing", () => {
  const said = saying(inside());
  assert.equal(apply(said, chat(11, "흉내", { ref: said.pending[0].ref })).pending.length, 1);
});

test("white space alone is not said", () => {
  assert.deepEqual(saying(inside(), " \n ").outgoing, []);
});

test("a refused line can be tried again with its ref", () => {
  const said = saying(inside());
  const { ref } = said.pending[0];
  const failed = apply(said, server({ type: "SERVER_CHAT_SEND", status: false, roomID: ROOM, nickname: "마루", message: "안녕", ref, error: "too_fast", detail: "" }));
  assert.deepEqual([failed.pending[0].status, failed.pending[0].error], ["failed", "too_fast"]);
  const again = apply(failed, { type: "retry", ref, now: NOW });
  assert.deepEqual([again.pending[0].status, again.outgoing[0].ref], ["sending", ref]);
});

test("what is said without a connection goes out after coming back", () => {
  const said = saying(apply(inside(), lost));
  assert.deepEqual(said.outgoing, []);
  const back = apply(said, { type: "connected" });
  assert.deepEqual(types(back), ["CLIENT_ROOM_JOIN"]);
  assert.deepEqual(types(apply(back, answer(back, { recovered: true }))), ["CLIENT_CHAT_SEND"]);
});

/* Coming back */

function back(state, more, ...replayed) {
  const asking = run(state, lost, { type: "connected" });
  return run(asking, answer(asking, more), ...replayed);
}

test("coming back asks for what came after the last event seen", () => {
  const state = run(inside(), chat(11, "하나"), lost, { type: "connected" });
  assert.equal(state.outgoing[0].after, 11);
});

test("a gap that is filled is filled silently, with the count of the answer", () => {
  const state = back(inside(), { recovered: true, seq: 12, participants: 5 }, chat(11, "하나", { participants: 3 }), chat(12, "둘", { participants: 4 }));
  assert.deepEqual(texts(state), ["entered", "하나", "둘"]);
  assert.deepEqual([state.participants, state.filling], [5, true]);
  assert.equal(apply(state, chat(13, "셋")).filling, false);
});

test("a replayed exit does not take a member away who is back in", () => {
  const exit = event("SERVER_ROOM_EXIT", 11, { nickName: "마루", tag: "tag마루", reason: "lost" });
  assert.equal(back(inside(), { recovered: true, seq: 12 }, exit).members.length, 2);
});

test("messages that are gone are said to be gone, in their place", () => {
  const state = back(inside(), { recovered: false, seq: 900 }, chat(899, "남은 말"));
  assert.deepEqual(texts(state), ["entered", "gap", "남은 말"]);
  assert.equal(run(state, lost, { type: "connected" }).outgoing[0].after, 900);
});

test("a line without an echo is sent again with the same ref", () => {
  const said = saying(inside());
  assert.equal(back(said, { recovered: true }).outgoing[0].ref, said.pending[0].ref);
});

test("a line too old for its ref to be known is not sent again unasked", () => {
  const said = saying(inside());
  const asking = run(said, lost, { type: "connected" });
  const state = apply(asking, /** @type {Page.Event} */ ({ ...answer(asking, { recovered: true }), now: NOW + 119_000 }));
  assert.deepEqual([state.outgoing, state.pending[0].error], [[], "unconfirmed"]);
});

test("the repeated echo of a line that was said before the loss settles it in its place", () => {
  const said = saying(inside());
  const state = run(back(said, { recovered: false, seq: 20 }), chat(21, "나중"), echo(15, said.pending[0]));
  assert.deepEqual([texts(state), state.pending], [["entered", "gap", "안녕", "나중"], []]);
});

test("a room that went away meanwhile is closed, not made anew", () => {
  const asking = run(inside(), lost, { type: "connected" });
  assert.equal(apply({ ...asking, canCreate: true }, refusal(asking, "room_not_found")).closed.reason, "gone");
});

test("a host who came back during the loss is no longer counted down for", () => {
  const away = apply(inside(), event("SERVER_HOST_AWAY", 11, { nickName: "하늘", closesAt: NOW + 30_000 }));
  assert.equal(back(away, { recovered: true, seq: 12 }, event("SERVER_HOST_BACK", 12, { nickName: "하늘" })).closesAt, null);
});

test("a page that comes to the front asks whether it missed anything", () => {
  const state = apply(inside(), { type: "look" });
  assert.deepEqual([types(state), state.outgoing[0].after, state.joined], [["CLIENT_ROOM_JOIN"], 10, true]);
});

test("a connection that the server ends for good closes the page", () => {
  assert.equal(apply(inside(), { type: "ended", code: 4500 }).closed.reason, "barred");
  assert.equal(apply(inside(), { type: "ended", code: 4501 }).closed.reason, "ended");
});

/* Leaving */

test("leaving says so, and is done when the server has answered", () => {
  const leaving = apply(inside(), { type: "leave" });
  assert.deepEqual(types(leaving), ["CLIENT_ROOM_EXIT"]);
  const heard = server({ type: "SERVER_ROOM_EXIT", status: true, roomID: ROOM, nickName: "마루", ref: leaving.outgoing[0].ref });
  assert.equal(apply(leaving, heard).phase, "left");
});

test("the deletion that follows a host's leaving does not hold the host back", () => {
  const leaving = apply(inside({ host: "마루" }), { type: "leave" });
  assert.equal(apply(leaving, event("SERVER_ROOM_DELETE", 12, { reason: "host_left" })).phase, "in");
});

test("closing the room is asked of the server, and a refusal is told", () => {
  const asked = apply(inside({ host: "마루" }), { type: "remove" });
  assert.deepEqual(types(asked), ["CLIENT_ROOM_DELETE"]);
  const { ref } = asked.outgoing[0];
  const told = apply(asked, server({ type: "SERVER_ROOM_DELETE", status: false, roomID: ROOM, ref, error: "unavailable", detail: "" }));
  assert.equal(told.problem, "unavailable");
});

/* Loading the page again, hiding, counting */

const again = (state) => fresh({ kept: JSON.parse(JSON.stringify(keep(state))) });

test("a page that is loaded again asks for everything since one came in", () => {
  const state = run(again(run(inside(), chat(11, "하나"))), { type: "connected" });
  assert.equal(state.outgoing[0].after, 10);
  assert.deepEqual(texts(run(state, answer(state, { recovered: true, seq: 11 }), chat(11, "하나"))), ["하나"]);
});

test("what is no longer kept is told after loading again", () => {
  const state = run(again(inside()), { type: "connected" });
  assert.deepEqual(texts(apply(state, answer(state, { recovered: false, seq: 900 }))), ["earlier"]);
});

test("lines without an echo outlive loading again, with their refs", () => {
  const said = saying(inside());
  const state = run(again(said), { type: "connected" });
  assert.deepEqual(apply(state, answer(state, { recovered: true })).outgoing.map((frame) => frame.ref), [said.pending[0].ref]);
});

test("what was kept of another room is left alone", () => {
  const kept = keep(saying(inside()));
  assert.deepEqual([fresh({ roomID: 5, kept }).pending, fresh({ roomID: null, kept }).from], [[], null]);
});

test("others' lines are counted, one's own, hidden ones and those from before loading again are not", () => {
  const state = apply(run(inside(), chat(11, "하나"), chat(12, "나", { nickname: "마루", tag: "tag마루" })), { type: "hide", nickname: "소음", tag: "x" });
  assert.equal(run(state, chat(13, "소음", { nickname: "소음", tag: "x" })).heard, 1);
  const asking = run(again(state), { type: "connected" });
  const back = run(asking, answer(asking, { recovered: true, seq: 12 }), chat(11, "하나"), chat(13, "새로"));
  assert.equal(back.heard, 1);
});

test("hiding is undone, kept, and never hides oneself", () => {
  const hidden = apply(inside(), { type: "hide", nickname: "하늘", tag: "tag하늘" });
  assert.equal(isHidden(hidden, "tag하늘"), true);
  assert.equal(isHidden(again(hidden), "tag하늘"), true);
  assert.equal(isHidden(apply(hidden, { type: "unhide", tag: "tag하늘" }), "tag하늘"), false);
  assert.equal(isHidden(apply(inside(), { type: "hide", nickname: "마루", tag: "tag마루" }), "tag마루"), false);
});

test("somebody else's line under one's own ref neither settles nor hides one's line", () => {
  const said = saying(inside());
  const { ref } = said.pending[0];
  const state = run(said, chat(11, "흉내", { ref }), echo(12, said.pending[0]));
  assert.deepEqual([texts(state), state.pending], [["entered", "흉내", "안녕"], []]);
  assert.equal(new Set(state.lines.map((line) => line.key)).size, 3);
});

test("a newcomer counts down for a host who is away, when the answer says until when", () => {
  assert.equal(inside({ at: NOW - 500, closesAt: NOW + 9_500 }).closesAt, NOW + 10_000);
  assert.equal(inside().closesAt, null);
});

test("a refused line can be discarded", () => {
  const said = saying(inside());
  assert.deepEqual(apply(said, { type: "drop", ref: said.pending[0].ref }).pending, []);
});
