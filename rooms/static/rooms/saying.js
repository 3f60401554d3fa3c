/**
 * One's own lines on their way: said, sent in order, held back while the server would refuse them, sent again after a
 * loss. Pure, a part of store.js. Knows the command and its refusals; must not know sockets or the page.
 *
 * A pending line is `flying` while it was sent on this connection and has no answer yet. Nothing is sent while one is
 * muted, or before `freeAt`: then one line goes at a time, so that they stay in order.
 */

import { REF_SAFE_MS, clean, command } from "./protocol.js";
import { send, withRef } from "./requests.js";

/** The server's clock and this one do not tick together: so much later is surely not too early. */
const MARGIN_MS = 100;

/** Whether this person may say nothing now. */
export function isMuted(state, now) {
  return state.mutedUntil > now;
}

/** From when on the next line may be sent (this machine's clock), 0 when at any time. */
export function freeAt(state) {
  const slow = state.slow > 0 && !isHost(state) && state.saidAt > 0 ? state.saidAt + state.slow * 1000 + MARGIN_MS : 0;
  return Math.max(slow, state.hold);
}

/** Whether this person is the host. */
export function isHost(state) {
  return state.me !== null && state.host === state.me.nickname;
}

export function say(state, { message, now }) {
  const text = clean(message);
  if (!text || state.phase !== "in" || isMuted(state, now)) return state;
  const [next, ref] = withRef(state);
  const quote = state.replyTo === null ? {} : { replyTo: state.replyTo };
  const line = { kind: "chat", key: ref, ref, message: text, at: now, sentAt: null, status: "sending", error: null, ...quote, ...state.me };
  return pump({ ...next, replyTo: null, pending: [...next.pending, line] }, now);
}

export function retry(state, { ref, now }) {
  return pump(changePending(state, ref, { status: "sending", error: null, flying: false }), now);
}

/** Send what may be sent now. */
export function pump(state, now) {
  if (!state.joined || isMuted(state, now)) return state;
  const waiting = state.pending.filter((line) => line.status === "sending" && !line.flying);
  const free = freeAt(state);
  if (free > now) return state;
  if (!waiting.length) return { ...state, hold: 0 };
  if (free === 0 && (state.slow === 0 || isHost(state))) return waiting.reduce((next, line) => transmit(next, line, now), state);
  return state.pending.some((line) => line.flying) ? state : transmit(state, waiting[0], now);
}

function transmit(state, line, now) {
  const frame = command.say(state.roomID, state.me.nickname, line.message, line.ref, line.replyTo);
  return send(changePending(state, line.ref, { sentAt: line.sentAt ?? now, flying: true }), frame);
}

/** The connection is gone: what was sent on it has no answer to come. */
export function landed(state) {
  return { ...state, pending: state.pending.map((line) => ({ ...line, flying: false })) };
}

/** After coming back: send again what got no echo, unless it was sent so long ago that it might be said twice. */
export function resend(state, now) {
  const pending = state.pending.map((line) => {
    if (line.status !== "sending") return line;
    const stale = line.sentAt !== null && now - line.sentAt > REF_SAFE_MS;
    return stale ? { ...line, status: "failed", error: "unconfirmed" } : { ...line, ...state.me };
  });
  return pump({ ...state, pending }, now);
}

/**
 * A line was refused: it waits when the server says how long, and otherwise the person is asked.
 * @param {Page.State} state @param {Wire.IncomingRefusal} message @param {number} now @returns {Page.State}
 */
export function refusedLine(state, { ref, error, field, retryAfter }, now) {
  if (error === "too_fast" && retryAfter !== undefined) {
    return { ...changePending(state, ref, { flying: false, sentAt: null }), hold: now + retryAfter + MARGIN_MS };
  }
  const gone = field === "replyTo" ? { replyTo: undefined } : {};
  const next = changePending(state, ref, { status: "failed", flying: false, error: field === "replyTo" ? "quote_gone" : error, ...gone });
  return error === "muted" ? muted(next, now + (retryAfter ?? 0)) : pump(next, now);
}

/** This person may say nothing until then: what waits is not said later without being asked. */
export function muted(state, mutedUntil) {
  const pending = state.pending.map((line) =>
    line.status === "sending" && !line.flying && mutedUntil > 0 ? { ...line, status: "failed", error: "muted" } : line,
  );
  return { ...state, mutedUntil, pending };
}

function changePending(state, ref, change) {
  return { ...state, pending: state.pending.map((line) => (line.ref === ref ? { ...line, ...change } : line)) };
}
