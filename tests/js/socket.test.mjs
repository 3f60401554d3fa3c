import assert from "node:assert/strict";
import { test } from "node:test";

import { CONNECT_MS, SILENCE_MS, Socket, address } from "../../rooms/static/rooms/socket.js";

/** A browser's WebSocket, clock and chance, in the test's hands. */
function world() {
  /** @type {any} */
  const made = { sockets: [], timers: new Map(), said: [], next: 1 };
  class FakeWebSocket extends EventTarget {
    readyState = 0;
    sent = [];
    constructor(url) {
      super();
      this.url = url;
      made.sockets.push(this);
    }
    send = (text) => this.sent.push(text);
    close = () => {};
    connect() {
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
    }
    hear = (message) => this.dispatchEvent(Object.assign(new Event("message"), { data: JSON.stringify(message) }));
    end = (code) => this.dispatchEvent(Object.assign(new Event("close"), { code }));
  }
  const socket = new Socket("ws://host/ws/", (event) => made.said.push(event), {
    WebSocket: FakeWebSocket,
    setTimeout: (call, ms) => made.timers.set(made.next, { call, ms }) && made.next++,
    clearTimeout: (timer) => made.timers.delete(timer),
    now: () => 1000,
    random: () => 0.5,
  });
  const waits = () => [...made.timers.values()].map((timer) => timer.ms);
  const elapse = () => {
    const [[id, timer]] = made.timers;
    made.timers.delete(id);
    timer.call();
  };
  socket.open();
  return Object.assign(made, { socket, waits, elapse, last: () => made.sockets.at(-1) });
}

test("the address is next to the page's own", () => {
  assert.equal(address({ protocol: "https:", host: "a.kr" }), "wss://a.kr/ws/");
  assert.equal(address({ protocol: "http:", host: "a.kr:8000" }), "ws://a.kr:8000/ws/");
});

test("a lost connection says when it comes back, and comes back", () => {
  const it = world();
  it.last().connect();
  it.last().end(1006);
  assert.deepEqual(it.said, [{ type: "connected" }, { type: "waiting", retryAt: 1250 }]);
  it.elapse();
  assert.equal(it.sockets.length, 2);
});

test("waits grow with each try and start over once the server has spoken", () => {
  const it = world();
  for (const expected of [250, 500, 1000]) {
    it.last().connect();
    it.last().end(4001);
    assert.deepEqual(it.waits(), [expected]);
    it.elapse();
  }
  it.last().hear({ type: "SERVER_X" });
  it.last().end(1006);
  assert.deepEqual(it.waits(), [250]);
});

test("codes 4500 to 4999 are final", () => {
  const it = world();
  it.last().end(4501);
  it.socket.open();
  assert.deepEqual(it.said, [{ type: "ended", code: 4501 }]);
  assert.equal(it.sockets.length, 1);
});

test("opening while waiting connects at once", () => {
  const it = world();
  it.last().end(1006);
  it.socket.open();
  assert.deepEqual(it.waits(), [CONNECT_MS]);
  assert.equal(it.sockets.length, 2);
});

test("nothing is sent while there is no connection", () => {
  const it = world();
  assert.equal(it.socket.send({ type: "CLIENT_ROOM_LIST" }), false);
  it.last().connect();
  assert.equal(it.socket.send({ type: "CLIENT_ROOM_LIST" }), true);
  assert.deepEqual(it.last().sent, ['{"type":"CLIENT_ROOM_LIST"}']);
});

test("a connection that cannot be made is given up, and tried again", () => {
  const it = world();
  assert.deepEqual(it.waits(), [CONNECT_MS]);
  it.elapse();
  assert.equal(it.said.at(-1).type, "waiting");
  it.elapse();
  assert.equal(it.sockets.length, 2);
});

test("silence after a command means a dead connection", () => {
  const it = world();
  it.last().connect();
  it.socket.send({ type: "CLIENT_ROOM_LIST" });
  assert.deepEqual(it.waits(), [SILENCE_MS]);
  it.elapse();
  assert.equal(it.said.at(-1).type, "waiting");
});

test("a connection that was given up is not listened to any more", () => {
  const it = world();
  const [first] = it.sockets;
  first.connect();
  it.socket.send({ type: "CLIENT_ROOM_LIST" });
  it.elapse();
  first.hear({ type: "SERVER_LATE" });
  first.end(1006);
  assert.deepEqual(it.said.map((event) => event.type), ["connected", "waiting"]);
});

test("any frame ends the silence", () => {
  const it = world();
  it.last().connect();
  it.socket.send({ type: "CLIENT_ROOM_LIST" });
  it.last().hear({ type: "SERVER_X" });
  assert.deepEqual(it.waits(), []);
});

test("a stopped socket stays away", () => {
  const it = world();
  it.last().connect();
  it.socket.stop();
  it.last().end(1000);
  it.socket.open();
  assert.equal(it.sockets.length, 1);
});
