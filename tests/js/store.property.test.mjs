/** state + events = new snapshot: whatever happens, a page that is in the room shows what the room is. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { apply, keep, start } from "../../rooms/static/rooms/store.js";

const ROOM = 7;
const RUNS = 300;
const STEPS = 80;
const HISTORY = 5;

/** Numbers that look drawn at random and are the same every time (mulberry32). */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A room as the protocol promises it, with nothing of the client's ideas in it. */
class Room {
  seq = 1000;
  members = [{ nickName: "방장", tag: "host" }];
  host = "방장";
  closesAt = null;
  history = [];
  said = [];
  removed = new Set();
  refs = new Map();

  /**
   * @template {Wire.IncomingEvent["type"]} Type
   * @param {Type} type
   * @param {Wire.Fields<Type>} more
   */
  event(type, more) {
    this.seq += 1;
    const event = { type, status: true, roomID: ROOM, seq: this.seq, at: this.seq, participants: this.members.length, ...more };
    this.history = [...this.history, event].slice(-HISTORY);
    return event;
  }

  join(nickName, tag) {
    this.members.push({ nickName, tag });
    return this.event("SERVER_ROOM_JOIN", { nickName, tag });
  }

  exit(nickName, reason) {
    const { tag } = this.members.find((each) => each.nickName === nickName);
    this.members = this.members.filter((each) => each.nickName !== nickName);
    return this.event("SERVER_ROOM_EXIT", { nickName, tag, reason });
  }

  chat(nickname, tag, message, ref) {
    const key = `${tag} ${ref}`;
    const event = this.refs.get(key) ?? this.event("SERVER_CHAT_SEND", { nickname, tag, message, ref });
    const again = this.refs.has(key);
    this.refs.set(key, event);
    if (!again) this.said.push(event);
    return event;
  }

  /** A line of those still kept is taken back: what is sent again has its removal in its place. */
  remove(line) {
    this.removed.add(line.seq);
    const put = (event) =>
      event === line ? { type: "SERVER_CHAT_REMOVE", status: true, roomID: ROOM, seq: line.seq, at: line.at, participants: line.participants, line: line.seq, by: "host", ref: line.ref } : event;
    this.history = this.history.map(put);
    for (const [key, event] of this.refs) this.refs.set(key, put(event));
    return this.event("SERVER_CHAT_REMOVE", { line: line.seq, by: "host" });
  }

  away = () => this.event("SERVER_HOST_AWAY", { nickName: this.host, closesAt: (this.closesAt = this.seq + 500) });

  back() {
    this.closesAt = null;
    return this.event("SERVER_HOST_BACK", { nickName: this.host });
  }

  /** The answer to a join, and the events that come after it. */
  answer({ userName, after, ref }) {
    const back = this.members.some((each) => each.nickName === userName);
    if (!back) this.join(userName, "me");
    /** @type {Wire.ServerRoomJoinAnswer} */
    const answer = {
      type: "SERVER_ROOM_JOIN", status: true, ref, roomID: ROOM, roomName: "방", nickName: userName, tag: "me", host: this.host,
      participants: this.members.length, members: [...this.members], topic: "", locked: false, slow: 0, mutedUntil: 0, seq: this.seq, at: this.seq,
    };
    if (this.closesAt !== null) answer.closesAt = this.closesAt;
    if (after === undefined) return [answer];
    const missed = this.history.filter((each) => each.seq > after && each.seq <= this.seq);
    return [{ ...answer, recovered: missed.length === this.seq - after }, ...missed];
  }
}

/** One page and one room; what the page sends is answered when the connection is there, and lost when it is not. */
class World {
  room = new Room();
  connected = false;
  sessions = 0;
  waiting = [];

  constructor(draw) {
    this.draw = draw;
    this.load(null);
  }

  load(kept) {
    this.connected = false;
    this.waiting = [];
    this.state = start({ session: `s${(this.sessions += 1)}`, roomID: ROOM, roomName: "방", nickname: "나", kept });
  }

  do(event) {
    this.state = apply(this.state, { now: this.room.seq, ...event });
    if (this.connected) this.waiting.push(...this.state.outgoing);
  }

  hear = (message) => this.connected && this.do({ type: "server", message });

  /** The server takes the oldest command that is on its way. */
  serve() {
    const frame = this.waiting.shift();
    if (frame?.type === "CLIENT_ROOM_JOIN") for (const message of this.room.answer(frame)) this.hear(message);
    if (frame?.type === "CLIENT_CHAT_SEND") this.hear(this.room.chat("나", "me", frame.message, frame.ref));
  }

  /** Something happens in the room; whoever is in it and connected hears of it. */
  tell(make) {
    const event = make(this.room);
    if (this.state.joined) this.hear(event);
  }

  lose() {
    this.connected = false;
    // What was sent may have arrived all the same.
    for (const frame of this.waiting.splice(0)) {
      if (frame.type === "CLIENT_CHAT_SEND" && this.draw(2)) this.room.chat("나", "me", frame.message, frame.ref);
    }
    this.do({ type: "waiting", retryAt: 0 });
  }

  connect() {
    this.connected = true;
    this.do({ type: "connected" });
  }

  settle() {
    if (!this.connected) this.connect();
    while (this.waiting.length) this.serve();
  }

  step(count) {
    const others = this.room.members.filter((each) => !["나", "방장"].includes(each.nickName));
    const name = `손님${this.draw(6)}`;
    const there = this.room.members.some((each) => each.nickName === name);
    const steps = [
      () => this.tell((room) => (there ? room.exit(name, "left") : room.join(name, `t${name}`))),
      () => this.tell((room) => room.chat("방장", "host", `말 ${count}`, `r${count}`)),
      // Anybody may use any `ref`, also one of ours.
      () => others.length && this.tell((room) => room.chat(others[0].nickName, others[0].tag, `흉내 ${count}`, `s1-${this.draw(9)}`)),
      () => this.tell((room) => (room.closesAt ? room.back() : room.away())),
      () => {
        const kept = this.room.said.filter((each) => this.room.history.includes(each));
        if (kept.length && this.draw(2)) this.tell((room) => room.remove(kept[this.draw(kept.length)]));
      },
      () => this.do({ type: "say", message: `내 말 ${count}` }),
      () => this.serve(),
      () => this.serve(),
      () => (this.connected ? this.draw(3) === 0 && this.lose() : this.connect()),
      () => this.do({ type: "look" }),
      () => this.room.history.length && this.state.joined && this.hear(this.room.history.at(-1)),
      () => this.draw(4) === 0 && this.load(JSON.parse(JSON.stringify(keep(this.state)))),
    ];
    steps[this.draw(steps.length)]();
  }
}

function check({ state, room }) {
  assert.equal(state.phase, "in");
  assert.equal(state.participants, room.members.length);
  assert.deepEqual(new Set(state.members.map((each) => each.nickName)), new Set(room.members.map((each) => each.nickName)));
  assert.equal(state.closesAt === null, room.closesAt === null);
  assert.equal(state.seq, room.seq);
  assert.deepEqual(state.pending, []);
  const seqs = state.lines.map((line) => line.seq);
  assert.deepEqual(seqs, [...new Set(seqs)].sort((a, b) => a - b), "in order, each once");
  assert.equal(new Set(state.lines.map((line) => line.key)).size, state.lines.length, "keys are different");
  const shown = state.lines.filter((line) => line.kind === "chat");
  // Where messages are missing, the removal of an earlier one may be among them.
  const gap = Math.max(0, ...state.lines.filter((line) => line.kind === "gap").map((line) => line.seq));
  for (const line of shown) {
    const said = room.said.find((each) => each.seq === line.seq);
    if (room.removed.has(line.seq) && line.seq > gap) assert.equal(line.message, "");
    else assert.ok([said.message, ""].includes(line.message));
  }
  return shown;
}

/** Without a line that says otherwise, everything said since the first line is there. */
function checkNothingIsMissing(shown, { state, room }) {
  const gaps = state.lines.filter((line) => line.kind === "gap" || line.kind === "earlier").map((line) => line.seq);
  const from = Math.max(state.from, ...gaps.map((seq) => Math.min(...state.lines.filter((line) => line.seq > seq).map((line) => line.seq), room.seq)));
  const expected = room.said.filter((each) => each.seq > from).map((each) => each.seq);
  const have = new Set(shown.map((line) => line.seq));
  assert.deepEqual(expected.filter((seq) => !have.has(seq)), []);
}

test("state + events = the room's snapshot, after losses, repetitions, imitations and loading again", () => {
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const world = new World(generator(seed));
    world.settle();
    try {
      for (let count = 0; count < STEPS; count += 1) {
        world.step(count);
        if (count % 10 === 9) {
          world.settle();
          checkNothingIsMissing(check(world), world);
        }
      }
      const own = world.room.said.filter((each) => each.tag === "me").map((each) => each.message);
      assert.equal(new Set(own).size, own.length, "nothing of one's own is said twice");
    } catch (error) {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    }
  }
});
