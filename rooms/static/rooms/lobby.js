/**
 * The lobby page: the list of open rooms kept current, search, and the form's button and memory.
 * Knows the page and the socket; what the list holds is in listing.js.
 */

import { at, config, make, setChildren, setText } from "./dom.js";
import { pieces } from "./i18n.js";
import { apply, arrange, found, meaning, randomRoom, start } from "./listing.js";
import * as memory from "./memory.js";
import { ROOM_NAME_MAX, USER_NAME_MAX, clean, command, length } from "./protocol.js";
import { Socket, address } from "./socket.js";
import * as words from "./words.js";

/** After a finger's last touch of the list it is not moved for so long. */
const TOUCH_MS = 1500;

const page = config();
let state = start(page.rooms, page.total);
let shown = [];
const drawn = new Map();

const socket = new Socket(address(location), (event) => {
  if (event.type === "connected") socket.send(command.list(true));
  if (event.type === "server") state = apply(state, event.message);
  document.body.dataset.connection = event.type === "server" ? "connected" : event.type;
  draw();
});

/* The list */

let frame = null;
function draw() {
  frame ??= requestAnimationFrame(() => {
    frame = null;
    drawNow();
  });
}

function drawNow() {
  const rooms = found(state, at("search").value);
  shown = arrange(rooms, shown, hand.isOver());
  const open = new Set(shown.map(({ room }) => room.roomID));
  for (const roomID of drawn.keys()) if (!open.has(roomID)) drawn.delete(roomID);
  setChildren(at("rooms"), shown.map(item));
  at("searching").hidden = state.rooms.length === 0 && !at("search").value;
  at("empty").hidden = state.rooms.length > 0;
  at("unavailable").hidden = true;
  setText(at("total"), words.roomsText(state.total));
  setText(at("nothing-found"), state.rooms.length > 0 && rooms.length === 0 ? words.nobodyFoundText() : "");
  drawButton();
}

/** Whether a hand is over the list: what it is about to press must not move away. */
const hand = {
  over: false,
  touched: null,
  isOver: () => hand.over || hand.touched !== null || at("rooms").contains(document.activeElement),
  touch() {
    clearTimeout(hand.touched);
    hand.touched = setTimeout(() => {
      hand.touched = null;
      draw();
    }, TOUCH_MS);
  },
};
at("rooms").addEventListener("pointerenter", (event) => {
  if (event.pointerType === "mouse") hand.over = true;
});
at("rooms").addEventListener("pointerleave", () => {
  hand.over = false;
  draw();
});
at("rooms").addEventListener("focusout", draw);
for (const type of ["touchstart", "touchmove"]) at("rooms").addEventListener(type, hand.touch, { passive: true });

/** One room's element: made once, so that focus stays on it, and changed with the room. */
function item({ room, gone }) {
  const element = drawn.get(room.roomID) ?? newItem(room);
  drawn.set(room.roomID, element);
  element.classList.toggle("gone", gone);
  setText(element.querySelector(".room-people"), gone ? words.goneText() : words.peopleText(room.participants));
  element.querySelector(".locked").hidden = !room.locked || gone;
  const host = element.querySelector(".room-host");
  if (host.dataset.host !== room.host) {
    host.dataset.host = room.host;
    const name = make("bdi", {}, room.host);
    host.replaceChildren(...(room.host ? pieces(words.hostedText(), { name }) : [words.officialText()]));
  }
  return element;
}

function newItem(room) {
  const link = make(
    "a",
    { href: addressOf(room.roomName), class: "room" },
    make("bdi", { class: "room-name", dir: "auto" }, room.roomName),
    make("span", { class: "locked badge", hidden: true }, words.lockedText()),
    make("span", { class: "room-people" }),
    make("span", { class: "room-host" }),
  );
  const element = make("li", {}, link);
  link.addEventListener("click", (event) => {
    if (element.classList.contains("gone")) event.preventDefault();
    else takeNickname(room.roomName);
  });
  return element;
}

const addressOf = (roomName) => `${page.chat}?room=${encodeURIComponent(roomName)}`;

/* The form */

const roomName = at("room");
const nickname = at("nickname");
const unlisted = at("unlisted");

/** Whoever has chosen a nickname here is not asked again in the room. */
function takeNickname(name, listed = true) {
  const chosen = clean(nickname.value);
  if (length(chosen) < 1 || length(chosen) > USER_NAME_MAX) return;
  memory.rememberNickname(chosen);
  memory.rememberRoomNickname(memory.roomKey({ roomName: clean(name), roomID: null, listed }), chosen);
}

const meanings = { enter: words.enterText, make: words.makeText, either: words.enterOrMakeText };

function drawButton() {
  setText(at("enter"), meanings[meaning(state, roomName.value, unlisted.checked)]());
}

/** Say what is wrong with a field, in the browser's own way; nothing is cut off what was typed. */
function check(field, max) {
  field.setCustomValidity(length(field.value) > max ? words.tooLongText(max) : "");
}

at("enter-form").addEventListener("submit", () => takeNickname(roomName.value, !unlisted.checked));
roomName.addEventListener("input", () => {
  check(roomName, ROOM_NAME_MAX);
  drawButton();
});
nickname.addEventListener("input", () => check(nickname, USER_NAME_MAX));
unlisted.addEventListener("change", drawButton);
at("search").addEventListener("input", () => {
  shown = [];
  draw();
});

at("random").addEventListener("click", (event) => {
  event.preventDefault();
  const room = randomRoom(state);
  if (!room) return setText(at("random-problem"), words.noRandomText());
  takeNickname(room.roomName);
  return location.assign(addressOf(room.roomName));
});

/* The world outside */

addEventListener("online", () => socket.open());
addEventListener("pageshow", (event) => event.persisted && socket.open());
document.addEventListener("visibilitychange", () => document.hidden || socket.open());

nickname.value ||= memory.lastNickname();
unlisted.closest("label").hidden = false;
if (!page.unavailable) draw();
socket.open();
