/**
 * Draws a room's state into the page. Everything that people wrote goes in as text.
 * Knows the page's elements and the state's shape; must not know sockets or change state.
 */

import { byId, make, setChildren, setText } from "./dom.js";
import { rows, tally } from "./gather.js";
import { pieces } from "./i18n.js";
import { split } from "./links.js";
import { People, colour, person } from "./people.js";
import { MESSAGE_MAX, length } from "./protocol.js";
import { Scroll } from "./scroll.js";
import { isHidden, isHost, isOwn } from "./store.js";
import * as texts from "./texts.js";

const COUNT_FROM = 100;
/** Why a room may be made anew under its name by whoever was in it. */
const OVER = ["deleted", "host_left", "host_lost", "gone"];

export class RoomView {
  #language;
  #act;
  #people;
  #scroll = new Scroll(byId("log"), byId("pill"), texts.newMessagesText);
  #drawn = new Map();
  /** @type {unknown[] | null} */
  #lines = null;

  /** `act` has what a person may ask for in what is drawn here: `retry(ref)`, `drop(ref)` and `toggle(person, hide)`. */
  constructor({ language, act }) {
    this.#language = language;
    this.#act = act;
    this.#people = new People(act.toggle);
  }

  /** Show the state. `now` is for what counts down. */
  draw(state, now) {
    document.body.dataset.phase = state.phase;
    this.#drawHead(state);
    this.#drawStatus(state, now);
    this.#drawAsking(state);
    byId("alone").hidden = !(state.phase === "in" && state.participants === 1 && !state.lines.some((line) => line.kind === "chat"));
    this.#drawLog(state);
    this.#people.draw(state);
    this.#drawComposer(state);
  }

  /** Show how long the message is, once that matters; whether it can be sent. */
  drawLength(text) {
    const count = length(text);
    const over = count > MESSAGE_MAX;
    const shown = byId("count");
    shown.hidden = count < COUNT_FROM;
    shown.classList.toggle("over", over);
    setText(shown, `${count}/${MESSAGE_MAX}`);
    byId("message").setAttribute("aria-invalid", String(over));
    return !over;
  }

  #drawHead(state) {
    if (state.roomName) setText(byId("room-name"), state.roomName);
    byId("close-room").hidden = !(isHost(state) && state.phase === "in");
    byId("share").hidden = state.roomID === null || state.phase === "closed";
  }

  #drawStatus(state, now) {
    const seconds = (until) => Math.max(0, Math.ceil((until - now) / 1000));
    const { status, retryAt } = state.connection;
    const quiet = state.phase === "closed" || state.phase === "asking";
    const connection = texts.connectionText(state.connection, seconds(retryAt ?? now), navigator.onLine);
    const problem = state.problem ? texts.refusal(state.problem) : "";
    // The first connection is told by "entering".
    const calm = quiet || (state.phase === "entering" && status === "connecting");
    // Told once, while the seconds count down in silence.
    setText(byId("told"), !quiet && status === "waiting" ? texts.lostText() : "");
    setText(byId("status-text"), calm ? "" : connection || problem);
    byId("status").hidden = calm || !(connection || problem);
    byId("now").hidden = calm || status !== "waiting";
    setText(byId("away"), state.closesAt === null ? "" : texts.awayText(seconds(state.closesAt)));
    const closed = state.closed ? texts.closing(state.closed.reason) : "";
    byId("closed").hidden = !closed;
    setText(byId("closed-reason"), closed);
    byId("closed-again").hidden = !(state.canCreate && state.listed && OVER.includes(state.closed?.reason));
  }

  #drawAsking(state) {
    byId("asking").hidden = state.phase !== "asking";
    byId("entering").hidden = state.phase !== "entering";
    setText(byId("asking-problem"), state.refusal ? texts.refusal(state.refusal.error, state.refusal.field) : "");
    byId("nickname").setAttribute("aria-invalid", String(Boolean(state.refusal)));
    setText(byId("asking-button"), state.roomID === null ? texts.makeText() : texts.enterText());
  }

  #drawLog(state) {
    const inputs = [state.lines, state.pending, state.hidden, state.host, state.phase];
    if (this.#lines?.every((each, index) => each === inputs[index])) return;
    this.#lines = inputs;
    const log = byId("log");
    // History that is filled in is not news: it is not read out.
    log.setAttribute("aria-live", state.filling ? "off" : "polite");
    const newest = state.pending.at(-1);
    const said = newest && !this.#drawn.has(newest.key);
    this.#scroll.around(() => this.#drawLines(state, log), state.heard);
    if (said) this.#scroll.toEnd();
  }

  #drawLines(state, log) {
    const drawn = new Map();
    for (const row of rows([...state.lines, ...state.pending], (line) => isHidden(state, line.tag))) {
      drawn.set(row.key, this.#row(state, row));
    }
    this.#drawn = drawn;
    setChildren(log, [...drawn.values()]);
  }

  /** @param {Page.State} state @param {any} row a Page.Row */
  #row(state, { key, line, lines, follows }) {
    const drawn = this.#drawn.get(key);
    if (lines) return this.#moves(drawn, lines);
    const element = drawn ?? (line.kind === "chat" ? this.#chat(state, line) : this.#note(line));
    element.classList.toggle("follows", follows);
    // A line not yet confirmed is one's own, also before this page has been told who one is.
    if (line.kind === "chat") element.classList.toggle("own", line.status !== "said" || isOwn(state, line));
    if (line.kind === "chat" && element.dataset.status !== line.status) this.#drawSending(element, line, state);
    return element;
  }

  /** Many comings and goings: how many there were, and who they were for whoever opens it. */
  #moves(drawn, lines) {
    const element = drawn ?? make("details", { class: "note moves" }, make("summary", {}), make("div", {}));
    const [summary, list] = element.children;
    const { came, went } = tally(lines);
    setText(summary, [came && texts.cameText(came), went && texts.wentText(went)].filter(Boolean).join(" · "));
    while (list.children.length > lines.length) list.firstElementChild.remove();
    for (const line of lines.slice(list.children.length)) list.append(this.#note(line));
    return element;
  }

  #note(line) {
    const name = make("bdi", { class: "name", dir: "auto" }, line.nickname ?? "");
    if (line.tag) name.classList.add(`colour-${colour(line.tag)}`);
    const sentence = line.kind === "notice" ? [line.message] : pieces(texts.lineSentence(line), { name });
    return make("p", { class: `note ${line.kind}`, dir: "auto" }, ...sentence, " ", this.#time(line));
  }

  #chat(state, line) {
    const who = make("span", { class: "who" }, ...person(state, line.nickname, line.tag));
    const text = make("p", { class: "text", dir: "auto" }, ...split(line.message).map(link));
    const foot = make("span", { class: "foot" }, this.#time(line), make("span", { class: "sending" }));
    return make("div", { class: "chat" }, who, text, foot);
  }

  #drawSending(element, line, state) {
    element.dataset.status = line.status;
    const place = element.querySelector(".sending");
    if (line.status === "said") return place.replaceChildren();
    if (line.status === "sending") return place.replaceChildren(texts.sendingText());
    const again = this.#button("retry", texts.retryText(), () => this.#act.retry(line.ref));
    const drop = this.#button("drop", texts.discardText(), () => this.#act.drop(line.ref));
    const buttons = state.phase === "closed" ? [] : [make("span", { class: "choices" }, again, drop)];
    return place.replaceChildren(texts.refusal(line.error), " ", ...buttons);
  }

  #button(name, text, click) {
    const button = make("button", { type: "button", class: `small ${name}` }, text);
    button.addEventListener("click", () => {
      byId("message").focus();
      click();
    });
    return button;
  }

  #time(line) {
    const written = new Date(line.at).toISOString();
    return make("time", { datetime: written }, texts.clockText(line.at, this.#language));
  }

  #drawComposer(state) {
    const able = state.phase === "in";
    byId("composer").hidden = state.me === null || state.phase === "closed";
    byId("message").disabled = !able;
    byId("send").disabled = !able;
  }
}

/** A piece of a message: text, or a link that tells the other side nothing about this room. */
function link({ text, href }) {
  return href ? make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", dir: "ltr" }, text) : text;
}
