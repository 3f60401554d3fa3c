/**
 * The lobby page: the list of open rooms kept current, search, and the form's button and memory.
 * Knows the page and the socket; what the list holds is in listing.js.
 */

import { byId, config, make, setChildren, setText } from "./dom.js";
import { pieces } from "./i18n.js";
import { apply, arrange, found, meaning, randomRoom, start } from "./listing.js";
import * as storage from "./storage.js";
import { ROOM_NAME_MAX, USER_NAME_MAX, clean, command, length } from "./protocol.js";
import { Socket, address } from "./socket.js";
import * as texts from "./texts.js";

/** After a finger's last touch of the list it is not moved for so long. */
const TOUCH_MS = 1500;

const page = config();
let state = start(page.rooms, page.total);
let shown = [];
const drawn = new Map();

const socket = new Socket(address(location), (event) => {
  if (event.type === "connected") socket.send(command.list(true));
  if (event.type === "server") state = apply(state, event.message);
  if (event.type === "ended") byId("barred").hidden = event.code !== 4500;
  document.body.dataset.connection = event.type === "server" ? "connected" : event.type;
  draw();
});

/* The list */

/** @type {number | null} */
let frame = null;
function draw() {
  frame ??= requestAnimationFrame(() => {
    frame = null;
    drawNow();
  });
}

function drawNow() {
  const rooms = found(state, byId("search").value);
  shown = arrange(rooms, shown, hand.isOver());
  const open = new Set(shown.map(({ room }) => room.roomID));
  for (const roomID of drawn.keys()) if (!open.has(roomID)) drawn.delete(roomID);
  setChildren(byId("rooms"), shown.map(item));
  byId("searching").hidden = state.rooms.length === 0 && !byId("search").value;
  byId("empty").hidden = state.rooms.length > 0;
  byId("unavailable").hidden = true;
  setText(byId("total"), texts.roomsText(state.total));
  setText(byId("nothing-found"), state.rooms.length > 0 && rooms.length === 0 ? texts.nobodyFoundText() : "");
  drawButton();
}

/** Whether a hand is over the list: what it is about to press must not move away. */
const hand = {
  over: false,
  /** @type {ReturnType<typeof setTimeout> | null} */
  touched: null,
  isOver: () => hand.over || hand.touched !== null || byId("rooms").contains(document.activeElement),
  touch() {
    clearTimeout(hand.touched ?? undefined);
    hand.touched = setTimeout(() => {
      hand.touched = null;
      draw();
    }, TOUCH_MS);
  },
};
byId("rooms").addEventListener("pointerenter", (event) => {
  if (event.pointerType === "mouse") hand.over = true;
});
byId("rooms").addEventListener("pointerleave", () => {
  hand.over = false;
  draw();
});
byId("rooms").addEventListener("focusout", draw);
for (const type of ["touchstart", "touchmove"]) byId("rooms").addEventListener(type, hand.touch, { passive: true });

/** One room's element: made once, so that focus stays on it, and changed with the room. */
function item({ room, gone }) {
  const element = drawn.get(room.roomID) ?? newItem(room);
  drawn.set(room.roomID, element);
  element.classList.toggle("gone", gone);
  setText(element.querySelector(".room-people"), gone ? texts.goneText() : texts.peopleText(room.participants));
  const topic = element.querySelector(".room-topic");
  setText(topic, room.topic ?? "");
  topic.hidden = !room.topic || gone;
  element.querySelector(".locked").hidden = !room.locked || gone;
  const host = element.querySelector(".room-host");
  if (host.dataset.host !== room.host) {
    host.dataset.host = room.host;
    const name = make("bdi", {}, room.host);
    host.replaceChildren(...(room.host ? pieces(texts.hostedText(), { name }) : [texts.officialText()]));
  }
  return element;
}

function newItem(room) {
  const link = make(
    "a",
    { href: addressOf(room.roomName), class: "room" },
    make("bdi", { class: "room-name", dir: "auto" }, room.roomName),
    make("span", { class: "locked badge", hidden: true }, texts.lockedText()),
    make("span", { class: "room-people" }),
    make("bdi", { class: "room-topic", dir: "auto", hidden: true }),
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

const roomName = byId("room");
const nickname = byId("nickname");
const unlisted = byId("unlisted");

/** Whoever has chosen a nickname here is not asked again in the room. */
function takeNickname(name, listed = true) {
  const chosen = clean(nickname.value);
  if (length(chosen) < 1 || length(chosen) > USER_NAME_MAX) return;
  storage.rememberNickname(chosen);
  storage.rememberRoomNickname(storage.roomKey({ roomName: clean(name), roomID: null, listed }), chosen);
}

const meanings = { enter: texts.enterText, make: texts.makeText, either: texts.enterOrMakeText };

function drawButton() {
  setText(byId("enter"), meanings[meaning(state, roomName.value, unlisted.checked)]());
}

/** Say what is wrong with a field, in the browser's own way; nothing is cut off what was typed. */
function check(field, max) {
  field.setCustomValidity(length(field.value) > max ? texts.tooLongText(max) : "");
}

byId("enter-form").addEventListener("submit", () => takeNickname(roomName.value, !unlisted.checked));
roomName.addEventListener("input", () => {
  check(roomName, ROOM_NAME_MAX);
  drawButton();
});
nickname.addEventListener("input", () => check(nickname, USER_NAME_MAX));
unlisted.addEventListener("change", drawButton);
byId("search").addEventListener("input", () => {
  shown = [];
  draw();
});

byId("random").addEventListener("click", (event) => {
  event.preventDefault();
  const room = randomRoom(state);
  if (!room) return setText(byId("random-problem"), texts.noRandomText());
  takeNickname(room.roomName);
  return location.assign(addressOf(room.roomName));
});

/* The world outside */

addEventListener("online", () => socket.open());
addEventListener("pageshow", (event) => event.persisted && socket.open());
document.addEventListener("visibilitychange", () => document.hidden || socket.open());

nickname.value ||= storage.lastNickname();
unlisted.closest("label").hidden = false;
if (!page.unavailable) draw();
socket.open();
