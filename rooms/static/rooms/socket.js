/**
 * One connection that comes back by itself.
 * Knows WebSockets, close codes and waiting; must not know rooms or the page.
 *
 * It tells `on` what happens: `{type: "connected"}`, `{type: "server", message}`, `{type: "waiting", retryAt}` (lost,
 * coming back then) and `{type: "ended", code}` (the server does not want this client back).
 */

import { delay } from "./backoff.js";
import { decode, mayReturn } from "./protocol.js";

/** Every command is answered, so silence this long after one means that the connection is dead without knowing it. */
export const SILENCE_MS = 10_000;
/** A connection that is not made by then is not waited for any longer. */
export const CONNECT_MS = 10_000;

/** The address of the server's socket, next to the page's own. */
export function address(location) {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws/`;
}

export class Socket {
  #url;
  #on;
  #world;
  /** @type {WebSocket | null} */
  #socket = null;
  #attempt = 0;
  #stopped = false;
  #timers = { again: null, silence: null, connecting: null };

  /** `world` replaces what the browser gives, in tests. */
  constructor(url, on, world = {}) {
    this.#url = url;
    this.#on = on;
    this.#world = {
      WebSocket: globalThis.WebSocket,
      setTimeout: (call, ms) => setTimeout(call, ms),
      clearTimeout: (timer) => clearTimeout(timer),
      now: Date.now,
      random: Math.random,
      ...world,
    };
  }

  /** Connect now; a wait that is under way ends. Nothing happens while a connection is there or being made. */
  open() {
    if (this.#socket || this.#stopped) return;
    this.#clear("again");
    const socket = new this.#world.WebSocket(this.#url);
    this.#socket = socket;
    this.#timers.connecting = this.#world.setTimeout(() => this.#giveUp(), CONNECT_MS);
    // A socket that was given up may still speak: only the current one is listened to.
    const mine = (call) => (event) => this.#socket === socket && call(event);
    socket.addEventListener("open", mine(() => this.#opened()));
    socket.addEventListener("message", mine((event) => this.#received(event.data)));
    socket.addEventListener("close", mine((event) => this.#lost(event.code)));
  }

  #opened() {
    this.#clear("connecting");
    this.#on({ type: "connected" });
  }

  /**
   * Send one command; false when there is no connection to send it on.
   * @param {Wire.ClientFrame} frame
   */
  send(frame) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    this.#timers.silence ??= this.#world.setTimeout(() => this.#giveUp(), SILENCE_MS);
    return true;
  }

  /** End the connection for good. */
  stop() {
    this.#stopped = true;
    for (const name of Object.keys(this.#timers)) this.#clear(name);
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #received(text) {
    this.#clear("silence");
    this.#attempt = 0;
    const message = decode(text);
    if (message) this.#on({ type: "server", message });
  }

  #giveUp() {
    const socket = this.#socket;
    this.#lost(1006);
    socket?.close();
  }

  #lost(code) {
    this.#socket = null;
    this.#clear("silence");
    this.#clear("connecting");
    if (!mayReturn(code)) {
      this.#stopped = true;
      this.#on({ type: "ended", code });
      return;
    }
    const wait = delay(this.#attempt++, this.#world.random);
    this.#timers.again = this.#world.setTimeout(() => this.open(), wait);
    this.#on({ type: "waiting", retryAt: this.#world.now() + wait });
  }

  #clear(name) {
    if (this.#timers[name] !== null) this.#world.clearTimeout(this.#timers[name]);
    this.#timers[name] = null;
  }
}
