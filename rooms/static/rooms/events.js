/**
 * What happens in a room, as one person sees it: an event of the server changes the state and may leave a line.
 * Knows the protocol's events; must not know commands, sockets or the page. Part of store.js, and as pure.
 */

import { muted } from "./saying.js";

export const LINES_MAX = 500;

/** Whether a line was said by this person. */
export function isOwn(state, line) {
  return state.me !== null && line.nickname === state.me.nickname && line.tag === state.me.tag;
}

/** Whether this person does not want to read whoever has this tag. One's own lines are always there. */
export function isHidden(state, tag) {
  return state.hidden.some((each) => each.tag === tag) && tag !== state.me?.tag;
}

/**
 * The room's end, for this person; `by` says who put this person out.
 * @param {Page.State} state @param {string} reason @param {"host" | "moderator" | null} [by] @returns {Page.State}
 */
export function close(state, reason, by = null) {
  const pending = state.pending.map((line) => ({ ...line, status: /** @type {const} */ ("failed"), error: "room_not_found" }));
  const closed = { reason, by };
  return { ...state, phase: "closed", joined: false, closed, closesAt: null, wait: null, pending, asked: {}, replyTo: null };
}

/**
 * One event of the room.
 * @param {Page.State} state @param {Wire.IncomingEvent} message @param {number} now
 * @returns {Page.State}
 */
export function happened(state, message, now) {
  const own = ownEcho(state, message);
  // Only one's own line may bring its key: anybody could say something under somebody else's `ref`.
  const key = own ? { ...state.me, key: message.ref } : {};
  const settled = own ? { ...state, pending: state.pending.filter((line) => line.ref !== message.ref) } : state;
  if (state.seq === null) return state;
  if (message.seq <= state.seq) return own ? addLine(settled, { ...ownLine(message), ...key }) : state;
  return next(settled, message, now, key);
}

/**
 * Whether this is one's own line coming back: then it is no longer pending, and gets its place among the others. It may
 * have been removed since.
 * @param {Page.State} state @param {Wire.IncomingEvent} message
 * @returns {message is Wire.ServerChatSendEvent | Wire.ServerChatRemoveEvent}
 */
function ownEcho(state, message) {
  const said = message.type === "SERVER_CHAT_SEND" && isOwn(state, message);
  const removed = message.type === "SERVER_CHAT_REMOVE" && message.line === message.seq;
  return (said || removed) && state.pending.some((line) => line.ref === message.ref);
}

const ownLine = (message) =>
  message.type === "SERVER_CHAT_SEND" ? chatLine(message) : { ...gone(message), at: message.at, seq: message.seq };

function next(state, message, now, key) {
  const moved = { ...state, seq: message.seq, after: Math.max(state.after, message.seq) };
  /** @type {Page.Change | undefined} */
  const known = events[message.type];
  const line = known?.line?.(message);
  const shown = line ? addLine(heard(moved, line), { at: message.at, seq: message.seq, ...line, ...key }) : moved;
  // What was sent again after a loss is older than the members and the count in the answer to the join.
  if (message.seq <= state.snapshot) return { ...(known?.again?.(shown, message) ?? shown), filling: true };
  // The server's clock may differ from this one: times to come are moved by the difference.
  const counted = { ...shown, filling: false, participants: message.participants, offset: now - message.at };
  const change = known?.change ?? known?.again;
  return change?.(counted, message) ?? counted;
}

/** Count what others say, for the title and the pill; not what was there before the page was loaded again. */
function heard(state, line) {
  const counts = line.kind === "chat" && !line.removed && state.seq > state.restored && !isOwn(state, line) && !isHidden(state, line.tag);
  return counts ? { ...state, heard: state.heard + 1 } : state;
}

/** @param {Wire.ServerChatSendEvent} message @returns {Page.Line} */
const chatLine = (message) => ({
  kind: "chat",
  nickname: message.nickname,
  tag: message.tag,
  message: message.message,
  at: message.at,
  seq: message.seq,
  status: "said",
  ...(message.replyTo === undefined ? {} : { replyTo: message.replyTo }),
});

/** A line that was said and is not to be read any more. @returns {Partial<Page.Line>} */
const gone = ({ by }) => ({ kind: "chat", message: "", removed: by, status: "said" });

/** Take a line's words away, and all that hung on it. */
function takeAway(state, { line: seq, by }) {
  const lines = state.lines.map((line) =>
    line.kind === "chat" && line.seq === seq ? { ...line, ...gone({ by }), replyTo: undefined } : line,
  );
  const { [seq]: _, ...reactions } = state.reactions;
  return { ...state, lines, reactions, replyTo: state.replyTo === seq ? null : state.replyTo };
}

/** What each event shows (`line`) and what it changes: when it is news (`change`), or also when it was sent again (`again`). */
/** @type {Page.Changes} */
const events = {
  SERVER_CHAT_SEND: { line: chatLine },
  SERVER_ROOM_JOIN: {
    line: ({ nickName, tag }) => ({ kind: "join", nickname: nickName, tag }),
    change: (state, { nickName, tag }) => ({
      ...state,
      members: [...state.members.filter((each) => each.nickName !== nickName), { nickName, tag }],
    }),
  },
  SERVER_ROOM_EXIT: {
    line: ({ nickName, tag, reason, by }) => ({ kind: "exit", nickname: nickName, tag, reason, by }),
    change: (state, { nickName, reason, by }) => {
      const next = { ...state, members: state.members.filter((each) => each.nickName !== nickName) };
      return reason === "kicked" && nickName === state.me?.nickname ? close(next, "kicked", by) : next;
    },
  },
  SERVER_ROOM_DELETE: {
    change: (state, { reason }) => ({ ...close(state, reason ?? "deleted"), members: [] }),
  },
  SERVER_HOST_AWAY: {
    line: ({ nickName }) => ({ kind: "away", nickname: nickName }),
    again: (state, { closesAt }) => ({ ...state, closesAt: closesAt + state.offset }),
  },
  SERVER_HOST_BACK: {
    line: ({ nickName }) => ({ kind: "back", nickname: nickName }),
    again: (state) => ({ ...state, closesAt: null }),
  },
  SERVER_MEMBER_MUTE: {
    line: ({ nickName, tag, until, at, by }) => ({ kind: "mute", nickname: nickName, tag, by, seconds: until && Math.max(1, (until - at) / 1000) }),
    // Whatever name this visitor has: the tag is the same.
    change: (state, { tag, until }) => (tag === state.me?.tag ? muted(state, until && until + state.offset) : state),
  },
  SERVER_ROOM_LOCK: {
    line: ({ locked, by }) => ({ kind: locked ? "lock" : "unlock", by }),
    change: (state, { locked }) => ({ ...state, locked }),
  },
  SERVER_ROOM_SLOW: {
    line: ({ seconds, by }) => ({ kind: "slow", seconds, by }),
    change: (state, { seconds }) => ({ ...state, slow: seconds }),
  },
  SERVER_ROOM_TOPIC: {
    line: ({ topic, by }) => ({ kind: "topic", message: topic, by }),
    change: (state, { topic }) => ({ ...state, topic }),
  },
  SERVER_HOST_TRANSFER: {
    line: ({ nickName, tag, by }) => ({ kind: "transfer", nickname: nickName, tag, by }),
    change: (state, { nickName }) => ({ ...state, host: nickName, closesAt: null }),
  },
  SERVER_CHAT_REMOVE: {
    // Where the line was, when it is sent again; the news of it comes later and leaves no line of its own.
    line: (message) => (message.line === message.seq ? gone(message) : null),
    again: takeAway,
  },
  SERVER_CHAT_REACT: {
    again: (state, { line, reaction, count }) => ({
      ...state,
      reactions: { ...state.reactions, [line]: { ...state.reactions[line], [reaction]: count } },
    }),
  },
  SERVER_ROOM_NOTICE: { line: ({ message }) => ({ kind: "notice", message }) },
};

/** Put a line where its `seq` belongs, once, and keep the newest LINES_MAX. */
export function addLine(state, line) {
  const keyed = { ...line, key: line.key ?? `${line.kind}-${line.seq}` };
  if (state.lines.some((each) => each.key === keyed.key || (each.seq === keyed.seq && each.kind === keyed.kind))) return state;
  let place = state.lines.length;
  while (place > 0 && state.lines[place - 1].seq > keyed.seq) place -= 1;
  const lines = [...state.lines.slice(0, place), keyed, ...state.lines.slice(place)];
  return { ...state, lines: lines.slice(-LINES_MAX) };
}
