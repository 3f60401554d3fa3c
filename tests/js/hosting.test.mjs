/** What hosts and people do to a room, to each other and to lines, as one page sees it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, freeAt, isHost, isMuted, keep, mayRemove, start } from "../../rooms/static/rooms/store.js";

const ROOM = 77;
const NOW = 1_000_000;

/** @returns {any} */
const server = (message, now = NOW) => ({ type: "server", message: { roomID: ROOM, ...message }, now });
const run = (state, ...events) => events.reduce(apply, state);
const answer = (state, more = {}, now = NOW) =>
  server({
    type: "SERVER_ROOM_JOIN", status: true, ref: state.entry, roomName: "사랑방", nickName: "마루", tag: "me", host: "하늘",
    participants: 2, members: [{ nickName: "하늘", tag: "sky" }, { nickName: "마루", tag: "me" }],
    topic: "", locked: false, slow: 0, mutedUntil: 0, seq: 10, at: NOW, ...more,
  }, now);
/** @param {Partial<Page.Start>} page */
function inside(more = {}, page = {}) {
  const asking = apply(start({ session: "s", roomID: ROOM, roomName: "사랑방", nickname: "마루", ...page }), { type: "connected" });
  return apply(asking, answer(asking, more));
}
const host = (more = {}) => inside({ host: "마루", ...more });
const event = (type, seq, more = {}, now = NOW) => server({ type, status: true, seq, at: NOW, participants: 2, ...more }, now);
const chat = (seq, message, more = {}) => event("SERVER_CHAT_SEND", seq, { nickname: "하늘", tag: "sky", message, ...more });
const own = (seq, message, more = {}) => chat(seq, message, { nickname: "마루", tag: "me", ...more });
const removed = (seq, line, more = {}) => event("SERVER_CHAT_REMOVE", seq, { line, by: "host", ...more });
/** @returns {any} */
const say = (message, now = NOW) => ({ type: "say", message, now });
const refused = (line, error, more = {}, now = NOW) =>
  server({ type: "SERVER_CHAT_SEND", status: false, nickname: "마루", message: line.message, ref: line.ref, error, detail: "", ...more }, now);
const kinds = (state) => state.lines.map((line) => line.kind);
const sent = (state) => state.outgoing.map((frame) => frame.message);
/** @type {any} */
const lost = { type: "waiting", retryAt: NOW + 500 };

/* Asking */

/** @returns {any} */
const ask = (what, ...values) => ({ type: "ask", what, values, now: NOW });

test("what is asked is sent with the room, one's name and a ref, and its answer is told", () => {
  const asked = apply(host(), ask("mute", "하늘", 60));
  const [frame] = asked.outgoing;
  assert.deepEqual(frame, { type: "CLIENT_MEMBER_MUTE", roomID: ROOM, userName: "마루", target: "하늘", seconds: 60, ref: "s-2" });
  const done = apply(asked, event("SERVER_MEMBER_MUTE", 11, { nickName: "하늘", tag: "sky", until: NOW + 60_000, by: "host", ref: frame.ref }));
  assert.deepEqual([done.told.what, done.told.error, done.asked], ["mute", null, {}]);
  assert.deepEqual(kinds(done), ["entered", "mute"]);
});

test("a refusal is told with its reason and how long to wait", () => {
  const asked = apply(inside(), ask("report", 5, "spam", ""));
  const { ref } = asked.outgoing[0];
  const told = apply(asked, server({ type: "SERVER_CHAT_REPORT", status: false, line: 5, reason: "spam", ref, error: "too_fast", retryAfter: 9000, detail: "" })).told;
  assert.deepEqual([told.what, told.error, told.retryAfter], ["report", "too_fast", 9000]);
});

test("without a connection nothing is asked, and that is told", () => {
  const state = run(host(), lost, ask("lock", true));
  assert.deepEqual([state.outgoing, state.told.error], [[], "offline"]);
});

test("what got no answer is asked again after coming back, under the same ref", () => {
  const asking = run(host(), ask("lock", true), lost, { type: "connected" });
  assert.deepEqual(apply(asking, answer(asking, { host: "마루", recovered: true })).outgoing.map((frame) => frame.ref), ["s-2"]);
});

test("what was asked too long ago is told to be uncertain", () => {
  const asking = run(host(), ask("lock", true), lost, { type: "connected" });
  const state = apply(asking, answer(asking, { host: "마루", recovered: true }, NOW + 119_000));
  assert.deepEqual([state.outgoing, state.told.error, state.asked], [[], "unconfirmed", {}]);
});

test("somebody else's line under the ref of what was asked answers nothing", () => {
  const asked = apply(host(), ask("lock", true));
  assert.equal(apply(asked, chat(11, "흉내", { ref: "s-2" })).told, null);
});

test("who was put out is known from the answer, until lifted", () => {
  const asked = apply(host(), ask("blocks"));
  const blocks = [{ nickName: "소음", tag: "n", at: 5 }, { nickName: "또", tag: "m", at: 4 }];
  const listed = apply(asked, server({ type: "SERVER_BLOCK_LIST", status: true, blocks, ref: "s-2" }));
  assert.deepEqual(listed.blocks, blocks);
  const lifted = run(listed, ask("lift", "n"), server({ type: "SERVER_BLOCK_LIFT", status: true, tag: "n", ref: "s-3" }));
  assert.deepEqual(lifted.blocks.map((each) => each.tag), ["m"]);
});

/* The room */

test("the answer to a join and the events say the topic, the lock and slow mode", () => {
  const state = inside({ topic: "고양이", locked: true, slow: 30 });
  assert.deepEqual([state.topic, state.locked, state.slow], ["고양이", true, 30]);
  const changed = run(
    state,
    event("SERVER_ROOM_TOPIC", 11, { topic: "개", by: "host" }),
    event("SERVER_ROOM_LOCK", 12, { locked: false, by: "moderator" }),
    event("SERVER_ROOM_SLOW", 13, { seconds: 0, by: "host" }),
  );
  assert.deepEqual([changed.topic, changed.locked, changed.slow], ["개", false, 0]);
  assert.deepEqual(kinds(changed), ["entered", "topic", "unlock", "slow"]);
});

test("another host is the host, and nobody is counted down for", () => {
  const away = apply(inside(), event("SERVER_HOST_AWAY", 11, { nickName: "하늘", closesAt: NOW + 9000 }));
  const state = apply(away, event("SERVER_HOST_TRANSFER", 12, { nickName: "마루", tag: "me", by: "moderator" }));
  assert.deepEqual([isHost(state), state.closesAt], [true, null]);
});

test("a notice leaves a line of its own", () => {
  assert.equal(apply(inside(), event("SERVER_ROOM_NOTICE", 11, { message: "점검합니다" })).lines.at(-1).message, "점검합니다");
});

test("whoever is put out is told by whom, comes back by nothing, and asks for nothing more", () => {
  const out = apply(inside(), event("SERVER_ROOM_EXIT", 11, { nickName: "마루", tag: "me", reason: "kicked", by: "moderator" }));
  assert.deepEqual([out.phase, out.closed], ["closed", { reason: "kicked", by: "moderator" }]);
  assert.deepEqual(run(out, lost, { type: "connected" }, { type: "look" }).outgoing, []);
  assert.equal(apply(out, { type: "ended", code: 4500 }).closed.reason, "kicked");
});

/* Muted */

test("a mute is counted down by this machine's clock, under whatever name it was said", () => {
  const at = NOW - 5000;
  const state = apply(inside(), event("SERVER_MEMBER_MUTE", 11, { nickName: "다른이름", tag: "me", at, until: at + 60_000, by: "host" }));
  assert.equal(state.mutedUntil, NOW + 60_000);
  assert.deepEqual([isMuted(state, NOW + 59_000), isMuted(state, NOW + 60_000)], [true, false]);
  assert.equal(isMuted(apply(state, event("SERVER_MEMBER_MUTE", 12, { nickName: "마루", tag: "me", until: 0, by: "host" })), NOW), false);
});

test("another's mute does not mute oneself, and coming back tells one's own", () => {
  assert.equal(apply(inside(), event("SERVER_MEMBER_MUTE", 11, { nickName: "하늘", tag: "sky", until: NOW + 9000, by: "host" })).mutedUntil, 0);
  assert.equal(inside({ mutedUntil: NOW + 9000 }).mutedUntil, NOW + 9000);
});

test("a muted person's line is not taken, and one that was on its way can be sent again later", () => {
  assert.deepEqual(apply(inside({ mutedUntil: NOW + 9000 }), say("안녕")).pending, []);
  const said = apply(inside(), say("안녕"));
  const state = apply(said, refused(said.pending[0], "muted", { retryAfter: 9000 }));
  assert.deepEqual([state.pending[0].status, state.pending[0].error, state.mutedUntil], ["failed", "muted", NOW + 9000]);
});

/* Slow mode and too fast */

test("in slow mode the next line waits, and goes when the time has come", () => {
  const first = apply(inside({ slow: 10 }), say("하나"));
  assert.deepEqual(sent(first), ["하나"]);
  const said = run(first, own(11, "하나", { ref: first.pending[0].ref }));
  const waiting = run(said, say("둘"), say("셋"));
  assert.deepEqual([waiting.outgoing, waiting.pending.length], [[], 2]);
  assert.ok(freeAt(waiting) >= NOW + 10_000);
  assert.deepEqual(sent(apply(waiting, { type: "free", now: NOW + 5000 })), []);
  assert.deepEqual(sent(apply(waiting, { type: "free", now: freeAt(waiting) })), ["둘"]);
});

test("the host speaks at any time, and so does everyone when slow mode ends", () => {
  const said = (state) => run(state, say("하나"), own(11, "하나", { ref: "s-2" }));
  assert.deepEqual(sent(apply(said(host({ slow: 10 })), say("둘"))), ["둘"]);
  const waiting = apply(said(inside({ slow: 10 })), say("둘"));
  const free = apply(waiting, event("SERVER_ROOM_SLOW", 12, { seconds: 0, by: "host" }));
  assert.deepEqual(sent(apply(free, { type: "free", now: NOW })), ["둘"]);
});

test("lines that came too fast wait as long as the server says, and go one after the other", () => {
  const said = run(inside(), say("하나"), say("둘"));
  const [one, two] = said.pending;
  const held = run(said, refused(one, "too_fast", { retryAfter: 500 }), refused(two, "too_fast", { retryAfter: 500 }), say("셋"));
  assert.deepEqual([held.outgoing, held.pending.map((line) => line.status)], [[], ["sending", "sending", "sending"]]);
  const again = apply(held, { type: "free", now: NOW + 600 });
  assert.deepEqual(sent(again), ["하나"]);
  const next = apply(again, server({ type: "SERVER_CHAT_SEND", status: true, seq: 11, at: NOW, participants: 2, nickname: "마루", tag: "me", message: "하나", ref: one.ref }, NOW + 700));
  assert.deepEqual(sent(next), ["둘"]);
});

test("what waited is sent after coming back, and nothing is sent twice on one connection", () => {
  const said = apply(inside(), say("하나"));
  assert.deepEqual(sent(apply(said, { type: "free", now: NOW })), []);
  const asking = run(said, lost, { type: "connected" });
  assert.deepEqual(sent(apply(asking, answer(asking, { recovered: true }))), ["하나"]);
});

/* Lines */

test("a reply says which line it answers, once", () => {
  const state = run(inside(), chat(11, "점심 드셨어요?"), { type: "reply", line: 11 }, say("네"));
  assert.deepEqual([state.outgoing[0].replyTo, state.replyTo, state.pending[0].replyTo], [11, null, 11]);
  assert.equal(apply(state, own(12, "네", { replyTo: 11, ref: state.pending[0].ref })).lines.at(-1).replyTo, 11);
});

test("a reply to a line that is no longer kept can be sent without it", () => {
  const said = run(inside(), { type: "reply", line: 3 }, say("네"));
  const failed = apply(said, refused(said.pending[0], "bad_field", { field: "replyTo" }));
  assert.equal(failed.pending[0].error, "quote_gone");
  assert.equal("replyTo" in JSON.parse(JSON.stringify(apply(failed, { type: "retry", ref: said.pending[0].ref, now: NOW }).outgoing[0])), false);
});

test("a removed line keeps its place and its speaker, and loses its words and what hung on it", () => {
  const state = run(
    inside(), chat(11, "나쁜 말"), chat(12, "다음"), { type: "reply", line: 11 },
    event("SERVER_CHAT_REACT", 13, { line: 11, reaction: "sad", count: 1 }), removed(14, 11),
  );
  assert.deepEqual(state.lines.map((line) => line.removed ?? line.message ?? line.kind), ["entered", "host", "다음"]);
  assert.deepEqual([state.lines[1].nickname, state.lines[1].message, state.reactions[11], state.replyTo], ["하늘", "", undefined, null]);
});

test("a line that was removed before one came back stands in its place without words", () => {
  const asking = run(inside(), lost, { type: "connected" });
  const state = run(asking, answer(asking, { recovered: true, seq: 13 }), removed(11, 11), chat(12, "다음"), removed(13, 11));
  assert.deepEqual(state.lines.map((line) => line.removed ?? line.message ?? line.kind), ["entered", "host", "다음"]);
  assert.equal(state.heard, 1);
});

test("one's own line that was removed before its echo came is settled, without words", () => {
  const said = apply(inside(), say("안녕"));
  const { ref } = said.pending[0];
  const asking = run(said, lost, { type: "connected" });
  const state = run(asking, answer(asking, { recovered: true, seq: 20 }), removed(12, 12, { ref }));
  assert.deepEqual([state.pending, state.lines.at(-1).removed, state.lines.at(-1).nickname], [[], "host", "마루"]);
});

test("one's own line may be taken back for five minutes, the host may remove any", () => {
  const line = (state) => state.lines.at(-1);
  const mine = apply(inside(), own(11, "앗"));
  assert.deepEqual([mayRemove(mine, line(mine), NOW + 299_000), mayRemove(mine, line(mine), NOW + 301_000)], [true, false]);
  const others = apply(inside(), chat(11, "남의 말"));
  assert.equal(mayRemove(others, line(others), NOW), false);
  const hosts = apply(host({ members: [] }), chat(11, "남의 말"));
  assert.equal(mayRemove(hosts, line(hosts), NOW + 9e9), true);
});

test("reactions are counted as the room says, and one's own are known from the answer, also after loading again", () => {
  const reacted = run(inside(), chat(11, "ㅎㅎ"), ask("react", 11, "laugh", true));
  assert.deepEqual(reacted.outgoing[0], { type: "CLIENT_CHAT_REACT", roomID: ROOM, userName: "마루", line: 11, reaction: "laugh", on: true, ref: "s-2" });
  const mine = apply(reacted, server({ type: "SERVER_CHAT_REACT", status: true, line: 11, reaction: "laugh", on: true, ref: "s-2" }));
  assert.deepEqual(mine.mine, { 11: ["laugh"] });
  assert.deepEqual(apply(mine, event("SERVER_CHAT_REACT", 12, { line: 11, reaction: "laugh", count: 3 })).reactions, { 11: { laugh: 3 } });
  assert.deepEqual(inside({}, { kept: JSON.parse(JSON.stringify(keep(mine))) }).mine, { 11: ["laugh"] });
  const off = run(mine, ask("react", 11, "laugh", false), server({ type: "SERVER_CHAT_REACT", status: true, line: 11, reaction: "laugh", on: false, ref: "s-3" }));
  assert.deepEqual(off.mine, { 11: [] });
});
