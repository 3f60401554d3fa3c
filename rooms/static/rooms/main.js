/**
 * The room page: state, socket, view and the person's hands, wired together.
 * Knows all of them; the rules are in store.js, the drawing in view.js.
 */

import { Alerts } from "./alerts.js";
import { Composer } from "./composer.js";
import { byId, config, setText } from "./dom.js";
import { HostMenu } from "./hosting.js";
import * as storage from "./storage.js";
import { USER_NAME_MAX, length, newSession } from "./protocol.js";
import { Sheets, asked, open } from "./sheets.js";
import { Socket, address } from "./socket.js";
import { apply, freeAt, isHost, isMuted, keep, start } from "./store.js";
import { RoomView } from "./view.js";
import * as texts from "./texts.js";
import { refusedText } from "./words.js";

const LEAVE_MS = 1500;

const page = config();
let key = storage.roomKey(page);
let state = start({ ...page, session: newSession(), nickname: storage.roomNickname(key), kept: storage.kept(key) });
/** What a person may ask for in what is drawn. */
const act = {
  ask: (what, ...values) => dispatch({ type: "ask", what, values, now: Date.now() }),
  toggle: (person, hide) => dispatch({ type: hide ? "hide" : "unhide", ...person }),
  remove: () => dispatch({ type: "remove" }),
  reply(line) {
    dispatch({ type: "reply", line: line.seq });
    byId("message").focus();
  },
};
const current = { act, state: () => state };
const sheets = new Sheets(current);
const hostMenu = new HostMenu(current);
const view = new RoomView({
  language: page.language,
  act: {
    reply: act.reply,
    react: (line, reaction, on) => state.phase === "in" && act.ask("react", line.seq, reaction, on),
    menu: (line) => sheets.line(line),
    person: (person) => sheets.person(person),
    retry: (line) => again({ type: "retry", ref: line.ref, now: Date.now() }),
    drop: (line) => again({ type: "drop", ref: line.ref }),
  },
});

/** The button that was pressed is gone then: the message box takes the focus. */
function again(event) {
  byId("message").focus();
  dispatch(event);
}

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
  if (freeAt(state) !== freeAt(before)) setTimeout(() => dispatch({ type: "free", now: Date.now() }), Math.max(0, freeAt(state) - Date.now()));
  if (state.told && state.told !== before.told) tell(state.told);
  if (state.phase !== before.phase) phaseChanged();
  if (state.me !== before.me || state.roomID !== before.roomID) placeChanged();
  if (["from", "pending", "hidden", "mine"].some((name) => state[name] !== before[name])) remember();
  draw();
}

/** What became of something that was asked: told where it was asked, or, when it was not done, in a line of its own. */
function tell(told) {
  if (!sheets.told(told) && !hostMenu.told(told) && told.error) view.announce(refusedText(told) ?? texts.refusal(told.error, told.field));
}

function remember() {
  storage.keep(key, state.phase === "in" || state.phase === "entering" ? keep(state) : null);
}

function show() {
  view.draw(state, Date.now());
  sheets.draw(state);
  hostMenu.draw(state);
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
  // A second longer than the end, so that the end itself is drawn.
  const counting = Math.max(state.mutedUntil, freeAt(state)) + 1000 > Date.now();
  if (counting || document.hidden || state.closesAt !== null || state.connection.status === "waiting") show();
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
  if (!view.drawLength(box.value) || state.phase !== "in" || length(box.value) === 0 || isMuted(state, Date.now())) return;
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

byId("reply-cancel").addEventListener("click", () => {
  dispatch({ type: "reply", line: null });
  box.focus();
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.isComposing && state.replyTo !== null) dispatch({ type: "reply", line: null });
});

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

byId("to-lobby").addEventListener("click", async (event) => {
  if (!state.joined || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (isHost(state) && state.participants > 1 && !(await asked(byId("leave-dialog")))) return;
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

async function share() {
  const query = page.listed ? `?room=${encodeURIComponent(state.roomName)}` : `?id=${state.roomID}`;
  const link = new URL(page.chat + query, location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    view.announce(texts.copiedText());
  } catch {
    byId("share-link").value = link;
    open(byId("share-dialog"));
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
byId("options").addEventListener("click", () => open(byId("options-dialog")));
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
