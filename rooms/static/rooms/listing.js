/**
 * The open rooms as the lobby shows them: `apply(state, message) → state`, pure.
 * Knows the two list messages; must not know sockets or the page.
 */

import { matches } from "./hangul.js";
import { clean } from "./protocol.js";

/** So many places come before the rooms that are to stand `later`, however full those are. */
const FRONT = 10;

/**
 * A list made from what the server rendered.
 * @param {Wire.ListedRoom[]} [rooms]
 */
export function start(rooms = [], total = rooms.length) {
  const sorted = [...rooms].sort(fullestFirst);
  const front = new Set(sorted.filter((room) => !room.later).slice(0, FRONT));
  return { rooms: [...front, ...sorted.filter((room) => !front.has(room))], total };
}

/**
 * The list after one message; others change nothing.
 * @param {ReturnType<typeof start>} state
 * @param {Wire.Incoming} message
 */
export function apply(state, message) {
  if (message.status === false) return state;
  if (message.type === "SERVER_ROOM_LIST") return start(message.rooms, message.total);
  if (message.type !== "SERVER_ROOM_UPDATE") return state;
  const gone = new Set([...message.removed, ...message.rooms.map((room) => room.roomID)]);
  return start([...state.rooms.filter((room) => !gone.has(room.roomID)), ...message.rooms], message.total);
}

/** The rooms whose name or host contains what was typed so far. */
export function found(state, text) {
  return state.rooms.filter((room) => matches(room.roomName, text) || matches(room.host, text));
}

/**
 * The rooms as they are to stand: in order, or, while a hand is over the list (`held`), everything where it was
 * (`shown`), with what is gone still in its place and what is new at the end. Each is `{room, gone}`.
 */
export function arrange(rooms, shown, held) {
  if (!held) return rooms.map((room) => ({ room, gone: false }));
  const left = new Map(rooms.map((room) => [room.roomID, room]));
  const stayed = shown.map(({ room }) => {
    const now = left.get(room.roomID);
    left.delete(room.roomID);
    return { room: now ?? room, gone: now === undefined };
  });
  return [...stayed, ...[...left.values()].map((room) => ({ room, gone: false }))];
}

/** What entering a name would do: `enter` a room, `make` one, or `either` where not all rooms are known. */
export function meaning(state, name, unlisted) {
  if (unlisted) return "make";
  if (!key(name) || named(state, name)) return "enter";
  return state.total > state.rooms.length ? "either" : "make";
}

/** The open room of that name, as far as this list knows. */
export function named(state, name) {
  const wanted = key(name);
  return state.rooms.find((room) => key(room.roomName) === wanted) ?? null;
}

/** One of the rooms that can be walked into and has people in it, or null. */
export function randomRoom(state, random = Math.random) {
  const open = state.rooms.filter((room) => !room.locked && room.participants > 0);
  return open.length ? open[Math.floor(random() * open.length)] : null;
}

/** Roughly the server's key of a name: good for finding, while the server decides. */
export function key(text) {
  return clean(text).normalize("NFKC").toLowerCase();
}

function fullestFirst(a, b) {
  return b.participants - a.participants || a.createdAt - b.createdAt || a.roomID - b.roomID;
}
