/**
 * What this browser remembers: on the device the last nickname and what was switched on; per tab and room the nickname,
 * the text not sent, the lines not confirmed, since when one is in, and who is hidden.
 * Knows the browser's storage and that it may be closed to us; must not know the page.
 */

const NICKNAME = "sarangbang.nickname";
const inRoom = (kind, room) => `sarangbang.${kind}.${room}`;

function guarded(call) {
  try {
    return call();
  } catch {
    return null; // Storage is switched off or full: nothing is remembered, all else works.
  }
}

const read = (kind, key) => guarded(() => globalThis[kind].getItem(key)) ?? "";
const write = (kind, key, text) =>
  guarded(() => (text ? globalThis[kind].setItem(key, text) : globalThis[kind].removeItem(key)));

/** The nickname last used on this device. */
export const lastNickname = () => read("localStorage", NICKNAME);
export const rememberNickname = (nickname) => write("localStorage", NICKNAME, nickname);

/** The nickname that this tab has (or is about to have) in a room. `room` is the page's own address of it. */
export const roomNickname = (room) => read("sessionStorage", inRoom("nickname", room));
export const rememberRoomNickname = (room, nickname) => write("sessionStorage", inRoom("nickname", room), nickname);

/** What was typed in a room and not sent. */
export const draft = (room) => read("sessionStorage", inRoom("draft", room));
export const rememberDraft = (room, text) => write("sessionStorage", inRoom("draft", room), text);

/** What must outlive loading the page again: `{roomID, from, pending, hidden}`, or null. */
export const kept = (room) => guarded(() => JSON.parse(read("sessionStorage", inRoom("kept", room))));
export const keep = (room, values) =>
  write("sessionStorage", inRoom("kept", room), values ? JSON.stringify(values) : "");

/** Whether something is switched on (`sound`, `notify`): off until asked for. */
export const isOn = (what) => read("localStorage", `sarangbang.${what}`) === "on";
export const setOn = (what, on) => write("localStorage", `sarangbang.${what}`, on ? "on" : "");

/** Under what a room's things are remembered: its listed name in one spelling, or its number. */
export const roomKey = ({ roomName, roomID, listed }) =>
  listed ? roomName.normalize("NFKC").trim().toLowerCase() : `#${roomID ?? roomName}`;
