/**
 * What one room looks like to one person: `apply(state, event) → state`, pure.
 * Knows the protocol's meaning; must not know sockets, the page, clocks or chance (they come in with the events).
 *
 * Events: `{type: "server", message, now}` for what the server sent, the socket's own (`connected`, `waiting`, `ended`),
 * and what the person does: `nickname`, `say`, `reply` (to a line, or none), `retry`, `drop` (a refused line), `leave`,
 * `remove` (the room), `ask` (see requests.js), `hide`, `unhide`, `look` (the page is in front again), `again` (the wait that
 * `state.wait` asked for is over), `free` (lines that waited may go). What is to be sent is in `state.outgoing`, anew after each event.
 *
 * Phases: `asking` (for a nickname) → `entering` → `in` → `closed` (the room's end) or `left` (one's own way out); a refused
 * entry goes back to `asking`.
 */

import { addLine, close, happened, isOwn } from "./events.js";
import { OWN_LINE_MS, clean, command, isEvent } from "./protocol.js";
import { answered, ask, askAgain, send, withRef } from "./requests.js";
import { isHost, landed, muted, pump, refusedLine, resend, retry, say } from "./saying.js";

export { LINES_MAX, isHidden, isOwn } from "./events.js";
export { freeAt, isHost, isMuted } from "./saying.js";

const WAIT_MS = 2000;
const NOTHING_KEPT = { from: null, pending: [], hidden: [], mine: {} };

/**
 * The state before anything has happened. `canCreate`: a page that was given a name may make the room. `kept`: what `keep`
 * said before the page was loaded again.
 * @param {Page.Start} page
 * @returns {Page.State}
 */
export function start({ session, roomID = null, roomName = "", canCreate = false, listed = true, nickname = "", kept = null }) {
  const before = kept !== null && roomID !== null && kept.roomID === roomID ? kept : NOTHING_KEPT;
  return {
    session,
    refs: 0,
    roomID,
    roomName,
    canCreate,
    listed,
    nickname: clean(nickname),
    phase: nickname ? "entering" : "asking",
    refusal: null,
    wait: null,
    entry: null,
    tries: 0,
    connection: { status: "connecting" },
    joined: false,
    leaving: false,
    me: null,
    host: "",
    closesAt: null,
    offset: 0,
    participants: 0,
    members: [],
    topic: "",
    locked: false,
    slow: 0,
    saidAt: 0,
    hold: 0,
    mutedUntil: 0,
    seq: before.from,
    after: before.from,
    from: before.from,
    restoring: before.from !== null,
    restored: 0,
    snapshot: 0,
    filling: false,
    heard: 0,
    lines: [],
    pending: before.pending.map((line) => ({ ...line, flying: false })),
    hidden: before.hidden,
    replyTo: null,
    reactions: {},
    mine: before.mine ?? {},
    asked: {},
    told: null,
    blocks: null,
    closed: null,
    problem: null,
    outgoing: [],
  };
}

/**
 * The state after one event. Unknown events and messages change nothing.
 * @param {Page.State} state
 * @param {Page.Event} event
 * @returns {Page.State}
 */
export function apply(state, event) {
  const change = local[event.type];
  const fresh = { ...state, outgoing: [] };
  return change ? change(fresh, event) : fresh;
}

/** What `start` needs to go on where this page was. */
export function keep({ roomID, from, pending, hidden, mine }) {
  return { roomID, from, pending, hidden, mine };
}

/** Whether this person may take this line back: their own for a while, the host any. */
export function mayRemove(state, line, now) {
  if (line.kind !== "chat" || line.status !== "said" || line.removed) return false;
  return isHost(state) || (isOwn(state, line) && now - (line.at + state.offset) < OWN_LINE_MS);
}

/** @type {Record<string, (state: Page.State, event: any) => Page.State>} */
const local = {
  connected: (state) => enter({ ...landed(state), connection: { status: "open" }, joined: false }),
  connecting: (state) => (state.connection.status === "waiting" ? { ...state, connection: { status: "connecting" } } : state),
  waiting: (state, { retryAt }) => ({ ...landed(state), connection: { status: "waiting", retryAt }, joined: false }),
  ended: (state, { code }) => ({
    ...close(state, code === 4500 ? "barred" : "ended"),
    ...(state.closed && { closed: state.closed }),
    connection: { status: "ended", code },
  }),
  nickname: (state, { nickname }) =>
    enter({ ...state, nickname: clean(nickname), phase: "entering", refusal: null, entry: null, tries: 0 }),
  again: (state) => enter({ ...state, wait: null }),
  look: (state) => (state.joined ? enter(state) : state),
  say,
  retry,
  ask,
  reply: (state, { line }) => ({ ...state, replyTo: line }),
  free: (state, { now }) => pump(state, now),
  drop: (state, { ref }) => ({ ...state, pending: state.pending.filter((line) => line.ref !== ref) }),
  hide: (state, { nickname, tag }) => ({ ...without(state, tag), hidden: [...without(state, tag).hidden, { nickname, tag }] }),
  unhide: (state, { tag }) => without(state, tag),
  leave: (state) => toServer({ ...state, leaving: true }, command.exit, state.me?.nickname),
  remove: (state) => toServer({ ...state, problem: null }, command.remove, state.me?.nickname),
  server: (state, { message, now }) => received(state, message, now),
};

const without = (state, tag) => ({ ...state, hidden: state.hidden.filter((each) => each.tag !== tag) });

function toServer(state, make, userName) {
  if (!state.joined) return state;
  const [next, ref] = withRef(state);
  return send(next, make(state.roomID, userName, ref));
}

/* Entering */

/** Ask to be let in, when there is a connection and a nickname. A create that got no answer is asked again with its `ref`. */
function enter(state) {
  if (state.connection.status !== "open" || !state.nickname || !["entering", "in"].includes(state.phase)) return state;
  if (state.roomID !== null) {
    const [next, ref] = withRef(state);
    return send({ ...next, entry: ref }, command.join(state.roomID, state.nickname, state.after, ref));
  }
  const [next, ref] = state.entry ? [state, state.entry] : withRef(state);
  return send({ ...next, entry: ref }, command.create(state.roomName, state.nickname, state.listed, ref));
}

/** @param {Page.State} state @param {Wire.Entered} message @param {number} now */
function entered(state, message, now) {
  const first = state.seq === null;
  const me = { nickname: message.nickName, tag: message.tag };
  const inside = {
    ...state,
    phase: "in",
    joined: true,
    refusal: null,
    wait: null,
    entry: null,
    tries: 0,
    me,
    nickname: me.nickname,
    roomID: message.roomID,
    roomName: message.roomName ?? state.roomName,
    host: message.host ?? "",
    participants: message.participants,
    members: message.members,
    topic: message.topic ?? "",
    locked: message.locked ?? false,
    slow: message.slow ?? 0,
    closesAt: closing(state, message, now),
    offset: first ? now - message.at : state.offset,
    restoring: false,
    restored: state.restoring ? message.seq : state.restored,
    snapshot: message.seq,
    seq: first ? message.seq : state.seq,
    after: first || message.recovered === false ? message.seq : state.after,
    from: state.from ?? message.seq,
  };
  const until = message.mutedUntil ?? 0;
  const quieted = muted(inside, until && until + inside.offset);
  if (first) return resend(addLine(quieted, { kind: "entered", at: message.at, seq: message.seq, ...me }), now);
  const whole = message.recovered === false ? addLine(quieted, gapLine(state, message)) : quieted;
  return askAgain(resend(whole, now), now);
}

/**
 * When the room closes if the host stays away: what the answer says, else what is known from before.
 * @param {Page.State} state @param {Wire.Entered} message @param {number} now
 */
function closing(state, message, now) {
  if (message.closesAt !== undefined) return message.closesAt + (state.seq === null ? now - message.at : state.offset);
  return message.recovered === false ? null : state.closesAt;
}

const gapLine = (state, message) => ({ kind: state.restoring ? "earlier" : "gap", at: message.at, seq: state.seq + 0.5 });

/** @param {Page.State} state @param {Wire.IncomingRefusal} message @returns {Page.State} */
function refusedEntry(state, message) {
  const back = { ...state, entry: null, tries: state.tries + 1 };
  switch (message.error) {
    case "room_not_found":
      if (state.seq !== null) return close(back, "gone");
      if (!state.canCreate) return close(back, "not_found");
      return enterOrWait({ ...back, roomID: null });
    case "room_name_taken":
      return enterOrWait({ ...back, roomID: message.roomID });
    case "unavailable":
    case "too_fast":
      return { ...state, wait: { ms: message.retryAfter ?? WAIT_MS } };
    case "banned":
      return close(back, "banned");
    default:
      return { ...back, phase: "asking", refusal: { error: message.error, field: message.field ?? null } };
  }
}

/** A room that is just going can be neither joined nor made: after a few tries in a row, breathe between them. */
function enterOrWait(state) {
  return state.tries < 3 ? enter(state) : { ...state, wait: { ms: WAIT_MS } };
}

/* What the server says */

/** @param {Page.State} state @param {Wire.Incoming} message @param {number} now @returns {Page.State} */
function received(state, message, now) {
  if (state.leaving) return message.type === "SERVER_ROOM_EXIT" && !isEvent(message) ? { ...state, phase: "left" } : state;
  if (message.status === false) return refused(answered(state, message), /** @type {Wire.IncomingRefusal} */ (message), now);
  if (state.entry !== null && message.ref === state.entry && "members" in message) return entered(state, message, now);
  const told = answered(state, message);
  if (message.roomID !== state.roomID || !isEvent(message)) return told;
  const next = happened(told, message, now);
  return next.pending.length < told.pending.length ? pump({ ...next, saidAt: message.at + next.offset }, now) : next;
}

/** @param {Page.State} state @param {Wire.IncomingRefusal} message @param {number} now @returns {Page.State} */
function refused(state, message, now) {
  if (message.ref === undefined) return state;
  if (message.ref === state.entry) return refusedEntry(state, message);
  if (state.pending.some((line) => line.ref === message.ref)) {
    const next = refusedLine(state, message, now);
    return message.error === "not_in_room" && state.joined ? enter({ ...next, joined: false }) : next;
  }
  return message.type === "SERVER_ROOM_DELETE" ? { ...state, problem: message.error } : state;
}
