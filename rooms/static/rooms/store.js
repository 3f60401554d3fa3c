/**
 * What one room looks like to one person: `apply(state, event) → state`, pure.
 * Knows the protocol's meaning; must not know sockets, the page, clocks or chance (they come in with the events).
 *
 * Events: `{type: "server", message, now}` for what the server sent, the socket's own (`connected`, `waiting`, `ended`),
 * and what the person does: `nickname`, `say`, `retry`, `drop` (a refused line), `leave`, `remove`, `hide`, `unhide`, `look`
 * (the page is in front again), `again` (the wait that `state.wait` asked for is over). What is to be sent is in `state.outgoing`, anew after each event.
 *
 * Phases: `asking` (for a nickname) → `entering` → `in` → `closed` (the room's end) or `left` (one's own way out); a refused
 * entry goes back to `asking`.
 */

import { addLine, close, happened } from "./events.js";
import { REF_SAFE_MS, clean, command, isEvent } from "./protocol.js";

export { LINES_MAX, isHidden, isOwn } from "./events.js";

const WAIT_MS = 2000;

/**
 * The state before anything has happened. `canCreate`: a page that was given a name may make the room. `kept`: what `keep`
 * said before the page was loaded again.
 * @param {Page.Start} page
 * @returns {Page.State}
 */
export function start({ session, roomID = null, roomName = "", canCreate = false, listed = true, nickname = "", kept = null }) {
  const before = kept !== null && roomID !== null && kept.roomID === roomID ? kept : { from: null, pending: [], hidden: [] };
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
    locked: false,
    seq: before.from,
    after: before.from,
    from: before.from,
    restoring: before.from !== null,
    restored: 0,
    snapshot: 0,
    filling: false,
    heard: 0,
    lines: [],
    pending: before.pending,
    hidden: before.hidden,
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
export function keep({ roomID, from, pending, hidden }) {
  return { roomID, from, pending, hidden };
}

/** Whether this person is the host. */
export function isHost(state) {
  return state.me !== null && state.host === state.me.nickname;
}

/** @type {Record<string, (state: Page.State, event: any) => Page.State>} */
const local = {
  connected: (state) => enter({ ...state, connection: { status: "open" }, joined: false }),
  connecting: (state) => (state.connection.status === "waiting" ? { ...state, connection: { status: "connecting" } } : state),
  waiting: (state, { retryAt }) => ({ ...state, connection: { status: "waiting", retryAt }, joined: false }),
  ended: (state, { code }) => ({
    ...state,
    connection: { status: "ended", code },
    joined: false,
    phase: "closed",
    closed: state.closed ?? { reason: code === 4500 ? "banned" : "ended" },
  }),
  nickname: (state, { nickname }) =>
    enter({ ...state, nickname: clean(nickname), phase: "entering", refusal: null, entry: null, tries: 0 }),
  again: (state) => enter({ ...state, wait: null }),
  look: (state) => (state.joined ? enter(state) : state),
  say: say,
  retry: retry,
  drop: (state, { ref }) => ({ ...state, pending: state.pending.filter((line) => line.ref !== ref) }),
  hide: (state, { nickname, tag }) => ({ ...without(state, tag), hidden: [...without(state, tag).hidden, { nickname, tag }] }),
  unhide: (state, { tag }) => without(state, tag),
  leave: (state) => toServer({ ...state, leaving: true }, command.exit, state.me?.nickname),
  remove: (state) => toServer({ ...state, problem: null }, command.remove, state.me?.nickname),
  server: (state, { message, now }) => received(state, message, now),
};

const without = (state, tag) => ({ ...state, hidden: state.hidden.filter((each) => each.tag !== tag) });

function send(state, ...frames) {
  return { ...state, outgoing: [...state.outgoing, ...frames] };
}

function withRef(state) {
  const refs = state.refs + 1;
  return [{ ...state, refs }, `${state.session}-${refs}`];
}

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
    locked: message.locked ?? false,
    closesAt: closing(state, message, now),
    offset: first ? now - message.at : state.offset,
    restoring: false,
    restored: state.restoring ? message.seq : state.restored,
    snapshot: message.seq,
    seq: first ? message.seq : state.seq,
    after: first || message.recovered === false ? message.seq : state.after,
    from: state.from ?? message.seq,
  };
  if (first) return resend(addLine(inside, { kind: "entered", at: message.at, seq: message.seq, ...me }), now);
  return resend(message.recovered === false ? addLine(inside, gapLine(state, message)) : inside, now);
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

/* Saying */

function say(state, { message, now }) {
  const text = clean(message);
  if (!text || state.phase !== "in") return state;
  const [next, ref] = withRef(state);
  const line = { kind: "chat", key: ref, ref, message: text, at: now, sentAt: null, status: "sending", error: null, ...state.me };
  return transmit({ ...next, pending: [...next.pending, line] }, ref, now);
}

function retry(state, { ref, now }) {
  return transmit(changePending(state, ref, { status: "sending", error: null }), ref, now);
}

function transmit(state, ref, now) {
  const line = state.pending.find((each) => each.ref === ref);
  if (!line || !state.joined) return state;
  const frame = command.say(state.roomID, state.me.nickname, line.message, ref);
  return send(changePending(state, ref, { sentAt: line.sentAt ?? now }), frame);
}

/** After coming back: send again what got no echo, unless it was sent so long ago that it might be said twice. */
function resend(state, now) {
  return state.pending.reduce((next, line) => {
    if (line.status !== "sending") return next;
    const stale = line.sentAt !== null && now - line.sentAt > REF_SAFE_MS;
    return stale
      ? changePending(next, line.ref, { status: "failed", error: "unconfirmed" })
      : transmit(changePending(next, line.ref, state.me), line.ref, now);
  }, state);
}

function changePending(state, ref, change) {
  return { ...state, pending: state.pending.map((line) => (line.ref === ref ? { ...line, ...change } : line)) };
}

/* What the server says */

/** @param {Page.State} state @param {Wire.Incoming} message @param {number} now @returns {Page.State} */
function received(state, message, now) {
  if (state.leaving) return message.type === "SERVER_ROOM_EXIT" && !isEvent(message) ? { ...state, phase: "left" } : state;
  if (message.status === false) return refused(state, /** @type {Wire.IncomingRefusal} */ (message));
  if (state.entry !== null && message.ref === state.entry && "members" in message) return entered(state, message, now);
  if (message.roomID !== state.roomID || !isEvent(message)) return state;
  return happened(state, message, now);
}

/** @param {Page.State} state @param {Wire.IncomingRefusal} message @returns {Page.State} */
function refused(state, message) {
  if (message.ref === undefined) return state;
  if (message.ref === state.entry) return refusedEntry(state, message);
  if (state.pending.some((line) => line.ref === message.ref)) {
    const next = changePending(state, message.ref, { status: "failed", error: message.error });
    return message.error === "not_in_room" && state.joined ? enter({ ...next, joined: false }) : next;
  }
  return message.type === "SERVER_ROOM_DELETE" ? { ...state, problem: message.error } : state;
}
