/**
 * The wire contract (docs/protocol.md), as far as this client uses it.
 * Knows messages, limits and close codes; must not know the page, sockets or state.
 */

export const ROOM_NAME_MAX = 30;
export const USER_NAME_MAX = 10;
export const MESSAGE_MAX = 128;
export const TOPIC_MAX = 80;
export const NOTE_MAX = 200;
export const REACTIONS = ["like", "heart", "laugh", "wow", "sad", "clap"];
export const REPORT_REASONS = ["abuse", "sexual", "spam", "privacy", "other"];
/** How long people may take their own line back. */
export const OWN_LINE_MS = 300_000;

/** How long the server recognises a repeated `ref`, less a margin for clocks and the way there. */
export const REF_SAFE_MS = 100_000;

/** The text as the server will see it. */
export function clean(text) {
  return text.normalize("NFC").trim();
}

/** The length that the server counts: code points of the cleaned text. */
export function length(text) {
  return [...clean(text)].length;
}

/** Whether a close code leaves the client free to come back (4500–4999 do not). */
export function mayReturn(code) {
  return !(code >= 4500 && code <= 4999);
}

/**
 * One frame's object, or null when the frame is not one.
 * @returns {Wire.Incoming | null}
 */
export function decode(text) {
  try {
    const message = JSON.parse(text);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}

/**
 * Whether a message is an event of a room: it has a `seq`, is no refusal and is not the answer to a join.
 * @param {any} message
 * @returns {message is Wire.IncomingEvent}
 */
export function isEvent(message) {
  return Number.isInteger(message.seq) && message.status !== false && !("members" in message);
}

/** A short random text that makes this page's `ref`s its own. */
export function newSession(random = (bytes) => crypto.getRandomValues(bytes)) {
  return [...random(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The commands, one function each. */
export const command = {
  /** @returns {Wire.ClientRoomCreate} */
  create: (roomName, userName, listed, ref) => ({ type: "CLIENT_ROOM_CREATE", roomName, userName, listed, ref }),
  /** @returns {Wire.ClientRoomDelete} */
  remove: (roomID, userName, ref) => ({ type: "CLIENT_ROOM_DELETE", roomID, userName, ref }),
  /** @returns {Wire.ClientRoomJoin} */
  join: (roomID, userName, after, ref) =>
    after === null
      ? { type: "CLIENT_ROOM_JOIN", roomID, userName, ref }
      : { type: "CLIENT_ROOM_JOIN", roomID, userName, after, ref },
  /** @returns {Wire.ClientRoomExit} */
  exit: (roomID, userName, ref) => ({ type: "CLIENT_ROOM_EXIT", roomID, userName, ref }),
  /** @returns {Wire.ClientChatSend} */
  say: (roomID, userName, message, ref, replyTo = undefined) =>
    replyTo === undefined
      ? { type: "CLIENT_CHAT_SEND", roomID, userName, message, ref }
      : { type: "CLIENT_CHAT_SEND", roomID, userName, message, replyTo, ref },
  /** @returns {Wire.ClientMemberKick} */
  kick: (roomID, userName, target, ref) => ({ type: "CLIENT_MEMBER_KICK", roomID, userName, target, ref }),
  /** @returns {Wire.ClientMemberMute} */
  mute: (roomID, userName, target, seconds, ref) => ({ type: "CLIENT_MEMBER_MUTE", roomID, userName, target, seconds, ref }),
  /** @returns {Wire.ClientHostTransfer} */
  transfer: (roomID, userName, target, ref) => ({ type: "CLIENT_HOST_TRANSFER", roomID, userName, target, ref }),
  /** @returns {Wire.ClientBlockList} */
  blocks: (roomID, userName, ref) => ({ type: "CLIENT_BLOCK_LIST", roomID, userName, ref }),
  /** @returns {Wire.ClientBlockLift} */
  lift: (roomID, userName, tag, ref) => ({ type: "CLIENT_BLOCK_LIFT", roomID, userName, tag, ref }),
  /** @returns {Wire.ClientRoomLock} */
  lock: (roomID, userName, locked, ref) => ({ type: "CLIENT_ROOM_LOCK", roomID, userName, locked, ref }),
  /** @returns {Wire.ClientRoomSlow} */
  slow: (roomID, userName, seconds, ref) => ({ type: "CLIENT_ROOM_SLOW", roomID, userName, seconds, ref }),
  /** @returns {Wire.ClientRoomTopic} */
  topic: (roomID, userName, topic, ref) => ({ type: "CLIENT_ROOM_TOPIC", roomID, userName, topic, ref }),
  /** @returns {Wire.ClientChatRemove} */
  takeBack: (roomID, userName, line, ref) => ({ type: "CLIENT_CHAT_REMOVE", roomID, userName, line, ref }),
  /** @returns {Wire.ClientChatReact} */
  react: (roomID, userName, line, reaction, on, ref) => ({ type: "CLIENT_CHAT_REACT", roomID, userName, line, reaction, on, ref }),
  /** @returns {Wire.ClientChatReport} */
  report: (roomID, userName, line, reason, note, ref) => ({ type: "CLIENT_CHAT_REPORT", roomID, userName, line, reason, note, ref }),
  /** @returns {Wire.ClientRoomList} */
  list: (watch) => ({ type: "CLIENT_ROOM_LIST", watch }),
};
