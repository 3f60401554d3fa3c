/**
 * The room page: state, socket, view and the person's hands, wired together.
 * Knows all of them; the rules are in store.js, the drawing in view.js.
 */

import { Alerts } from "./alerts.js";
import { Composer } from "./composer.js";
import { byId, config, setText } from "./dom.js";
import * as storage from "./storage.js";
import { USER_NAME_MAX, length, newSession } from "./protocol.js";
import { Socket, address } from "./socket.js";
import { apply, isHost, keep, start } from "./store.js";
import { RoomView } from "./view.js";
import * as texts from "./texts.js";

const LEAVE_MS = 1500;

const page = config();
let key = storage.roomKey(page);
let state = start({ ...page, session: newSession(), nickname: storage.roomNickname(key), kept: storage.kept(key) });
const view = new RoomView({
  language: page.language,
  act: {
    retry: (ref) => dispatch({ type: "retry", ref, now: Date.now() }),
    drop: (ref) => dispatch({ type: "drop", ref }),
    toggle: (person, hide) => dispatch({ type: hide ? "hide" : "unhide", ...person }),
  },
});
const alerts = new Alerts({
  title: () => `${state.roomName} · ${page.site}`,
  text: texts.newMessagesText,
  icon: page.icon,
});
const socket = new Socket(address(location), (event) => dispatch({ ...event, now: Date.now() }));

function dispatch(event) {
  const before = state;
  state = apply(state, event);
  for (const frame of state.outgoing) socket.send(frame);
  if (state.wait && state.wait !== before.wait) setTimeout(() => dispatch({ type: "again" }), state.wait.ms);
  if (state.phase !== before.phase) phaseChanged();
  if (state.me !== before.me || state.roomID !== before.roomID) placeChanged();
  if (["from", "pending", "hidden"].some((name) => state[name] !== before[name])) remember();
  draw();
}

function remember() {
  storage.keep(key, state.phase === "in" || state.phase === "entering" ? keep(state) : null);
}

function show() {
  view.draw(state, Date.now());
  alerts.draw(state.heard, Date.now());
}

/** @type {number | null} */
let frame = null;
function draw() {
  frame ??= requestAnimationFrame(() => {
    frame = null;
    show();
  });
}

/** A hidden page draws no frames, and counting down needs drawing without events. */
setInterval(() => {
  if (document.hidden || state.closesAt !== null || state.connection.status === "waiting") show();
}, 1000);

function phaseChanged() {
  show();
  if (state.phase === "left") goAway();
  if (state.phase === "in") byId("message").focus();
  if (state.phase === "asking") askNickname();
  if (state.phase === "closed") {
    storage.rememberRoomNickname(key, "");
    storage.keep(key, null);
    for (const dialog of document.querySelectorAll("dialog[open]")) /** @type {HTMLDialogElement} */ (dialog).close();
    socket.stop();
    // Not the link: whoever is just pressing Enter to send would be carried away.
    byId("closed").focus();
  }
}

/** What this tab must know to come back by itself: under which name, and for an unlisted room its number. */
function placeChanged() {
  if (state.me === null) return;
  if (!page.listed && page.roomID === null) {
    storage.rememberRoomNickname(key, "");
    page.roomID = state.roomID;
    key = storage.roomKey(page);
    history.replaceState(null, "", `${page.chat}?id=${state.roomID}`);
    /** @type {any} */ (document.querySelector(".language [name=next]")).value = location.pathname + location.search;
  }
  remember();
  storage.rememberRoomNickname(key, state.me.nickname);
  storage.rememberNickname(state.me.nickname);
}

/* Nickname */

const nickname = byId("nickname");

function askNickname() {
  nickname.value ||= state.nickname || storage.lastNickname();
  nickname.focus();
  nickname.select();
}

byId("asking-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const count = length(nickname.value);
  if (count < 1) return setText(byId("asking-problem"), texts.nicknameFirstText());
  if (count > USER_NAME_MAX) return setText(byId("asking-problem"), texts.tooLongText(USER_NAME_MAX));
  return dispatch({ type: "nickname", nickname: nickname.value });
});

/* The message box */

const box = byId("message");
const composer = new Composer();

function grow() {
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight}px`;
}

function say() {
  if (!view.drawLength(box.value) || state.phase !== "in" || length(box.value) === 0) return;
  dispatch({ type: "say", message: box.value, now: Date.now() });
  box.value = "";
  typed();
}

function typed() {
  grow();
  view.drawLength(box.value);
  storage.rememberDraft(key, box.value);
}

for (const type of ["compositionstart", "compositionupdate", "compositionend", "keydown", "beforeinput"]) {
  box.addEventListener(type, (event) => {
    const { send, prevent } = composer.take(event);
    if (prevent) event.preventDefault();
    if (send) say();
  });
}
box.addEventListener("input", typed);

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  // Leaving the box ends a composition, and its end sends: what is sent is finished, and nothing of it comes back.
  if (composer.press()) say();
  else box.blur();
  box.focus();
});
// Pressing the button does not take the focus away: on a phone the keyboard stays.
byId("send").addEventListener("mousedown", (event) => event.preventDefault());

box.value = storage.draft(key);
typed();

/* Leaving, closing, sharing */

function ask(dialog) {
  return new Promise((answer) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

byId("to-lobby").addEventListener("click", async (event) => {
  if (!state.joined || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (isHost(state) && state.participants > 1 && !(await ask(byId("leave-dialog")))) return;
  leave(event.target.closest("a").href);
});

let lobby = page.lobby;
const goAway = () => location.assign(lobby);

/** Say goodbye, and go when the server has heard it (or does not answer). */
function leave(href) {
  storage.rememberRoomNickname(key, "");
  storage.rememberDraft(key, "");
  storage.keep(key, null);
  lobby = href;
  setTimeout(goAway, LEAVE_MS);
  dispatch({ type: "leave" });
}

byId("close-room").addEventListener("click", async () => {
  if (await ask(byId("close-dialog"))) dispatch({ type: "remove" });
});

async function share() {
  const query = page.listed ? `?room=${encodeURIComponent(state.roomName)}` : `?id=${state.roomID}`;
  const link = new URL(page.chat + query, location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    setText(byId("shared"), texts.copiedText());
    setTimeout(() => setText(byId("shared"), ""), 4000);
  } catch {
    byId("share-link").value = link;
    byId("share-dialog").showModal();
    byId("share-link").select();
  }
}
for (const id of ["share", "invite"]) byId(id).addEventListener("click", share);

byId("closed-again").addEventListener("click", () => {
  // The same name, and the same nickname: the first to press it makes the room.
  storage.rememberRoomNickname(key, state.nickname);
});

/* Options */

for (const what of ["sound", "notify"]) {
  const box = byId(`option-${what}`);
  box.checked = alerts.isOn(what);
  box.addEventListener("change", async () => {
    const done = await alerts.set(what, box.checked);
    box.checked = alerts.isOn(what);
    setText(byId("options-problem"), done ? "" : texts.blockedText());
  });
}
byId("option-notify").closest("label").hidden = !("Notification" in globalThis);
byId("options").addEventListener("click", () => byId("options-dialog").showModal());
byId("options").hidden = false;

/* The world outside */

/** Connect if there is no connection; if there is one, see whether it is alive and whether anything was missed. */
function lookAgain() {
  socket.open();
  dispatch({ type: "look" });
}

byId("now").addEventListener("click", () => {
  byId("message").focus();
  socket.open();
  dispatch({ type: "connecting" });
});
addEventListener("online", lookAgain);
addEventListener("offline", draw);
addEventListener("pageshow", (event) => event.persisted && lookAgain());
document.addEventListener("visibilitychange", () => (document.hidden ? show() : lookAgain()));

/** The page is as high as what a phone's keyboard leaves of the screen, and stays in it; zooming in changes nothing. */
function fit() {
  const screen = globalThis.visualViewport;
  if (!screen || screen.scale > 1.01) return;
  document.documentElement.style.setProperty("--height", `${screen.height}px`);
  document.documentElement.style.setProperty("--top", `${screen.offsetTop}px`);
}
for (const type of ["resize", "scroll"]) globalThis.visualViewport?.addEventListener(type, fit);

show();
if (state.phase === "asking") askNickname();
socket.open();
