/**
 * Draws a room's state into the page. Everything that people wrote goes in as text.
 * Knows the page's elements and the state's shape; must not know sockets or change state.
 */

import { bubble, replying, timeOf, update } from "./bubble.js";
import { byId, make, setChildren, setText } from "./dom.js";
import { rows, tally } from "./gather.js";
import { pieces } from "./i18n.js";
import { People, colour } from "./people.js";
import { MESSAGE_MAX, length } from "./protocol.js";
import { Scroll } from "./scroll.js";
import { freeAt, isHidden, isHost, isMuted } from "./store.js";
import * as texts from "./texts.js";
import * as words from "./words.js";

const COUNT_FROM = 100;
/** So long a line that was looked for is marked. */
const FOUND_MS = 2000;
const TOLD_MS = 5000;
/** Why a room may be made anew under its name by whoever was in it. */
const OVER = ["deleted", "host_left", "host_lost", "gone"];

export class RoomView {
  #language;
  #act;
  #people;
  #scroll = new Scroll(byId("log"), byId("pill"), texts.newMessagesText);
  #drawn = new Map();
  /** The line that each element shows. */
  #lineOf = new WeakMap();
  /** @type {unknown[] | null} */
  #lines = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #telling;
  /** @type {Element | undefined} */
  #stop;

  /**
   * `act` has what a person may ask for in what is drawn here: `menu(line)`, `reply(line)`, `react(line, reaction, on)`,
   * `person(person)`, `retry(line)` and `drop(line)`.
   */
  constructor({ language, act }) {
    this.#language = language;
    this.#act = act;
    this.#people = new People(act.person);
    byId("log").addEventListener("click", (event) => this.#pressed(event));
    byId("log").addEventListener("keydown", (event) => this.#walk(event));
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
    this.#drawComposer(state, now);
  }

  /** Tell something for a while. */
  announce(text) {
    clearTimeout(this.#telling);
    setText(byId("shared"), text);
    this.#telling = setTimeout(() => setText(byId("shared"), ""), TOLD_MS);
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
    setText(byId("room-topic"), state.topic);
    byId("room-topic").hidden = !state.topic;
    byId("room-locked").hidden = !state.locked;
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
    const muted = isMuted(state, now) ? words.mutedNowText() : state.mutedUntil ? words.unmutedNowText() : "";
    setText(byId("told"), quiet ? "" : status === "waiting" ? texts.lostText() : muted);
    setText(byId("status-text"), calm ? "" : connection || problem);
    byId("status").hidden = calm || !(connection || problem);
    byId("now").hidden = calm || status !== "waiting";
    setText(byId("away"), state.closesAt === null ? "" : texts.awayText(seconds(state.closesAt)));
    const closed = state.closed ? words.closing(state.closed.reason, state.closed.by) : "";
    byId("closed").hidden = !closed;
    setText(byId("closed-reason"), closed);
    setText(byId("closed-help"), state.closed ? words.closingHelp(state.closed.reason) : "");
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
    const inputs = [state.lines, state.pending, state.hidden, state.host, state.phase, state.reactions, state.mine];
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
    const lines = new Map(state.lines.map((line) => [line.kind === "chat" ? line.seq : null, line]));
    for (const row of rows([...state.lines, ...state.pending], (line) => isHidden(state, line.tag))) {
      drawn.set(row.key, this.#row(state, row, (seq) => lines.get(seq)));
    }
    this.#drawn = drawn;
    setChildren(log, [...drawn.values()]);
    const focused = log.querySelector(".menu:focus");
    this.#stopAt(focused ?? [...log.querySelectorAll(".menu:enabled")].at(-1));
  }

  /** One stop for the Tab key in all the talk: the arrows go from there. */
  #stopAt(menu) {
    if (this.#stop === menu) return;
    this.#stop?.setAttribute("tabindex", "-1");
    menu?.setAttribute("tabindex", "0");
    this.#stop = menu;
  }

  /** @param {Page.State} state @param {any} row a Page.Row @param {(seq: number) => Page.Line | undefined} find */
  #row(state, { key, line, lines, follows }, find) {
    const drawn = this.#drawn.get(key);
    if (lines) return this.#moves(drawn, lines);
    const element = drawn ?? (line.kind === "chat" ? bubble(state, line, this.#language) : this.#note(line));
    element.classList.toggle("follows", follows);
    if (line.kind === "chat") update(element, state, line, find);
    this.#lineOf.set(element, line);
    return element;
  }

  /** Something in the talk was pressed. */
  #pressed(event) {
    const target = event.target.closest("[data-do]");
    const element = target?.closest(".chat");
    const line = this.#lineOf.get(element);
    if (!line) return;
    switch (target.dataset.do) {
      case "jump":
        this.#show(line.replyTo);
        break;
      case "react":
        this.#act.react(line, target.dataset.reaction, target.getAttribute("aria-pressed") !== "true");
        break;
      default:
        this.#act[target.dataset.do](line);
    }
  }

  /** Bring a line before the eyes, if it is here. */
  #show(seq) {
    const element = [...this.#drawn.values()].find((each) => this.#lineOf.get(each)?.kind === "chat" && this.#lineOf.get(each).seq === seq);
    if (!element) return;
    element.scrollIntoView({ block: "center" });
    element.querySelector(".menu")?.focus({ preventScroll: true });
    element.classList.add("found");
    setTimeout(() => element.classList.remove("found"), FOUND_MS);
  }

  /** The arrows go from message to message, and within one from button to button. */
  #walk(event) {
    const here = event.target.closest(".chat");
    if (!here || event.target === here) return;
    const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!sideways && !step) return;
    event.preventDefault();
    const all = [...(sideways ? here.querySelectorAll("button:enabled") : byId("log").querySelectorAll(".menu:enabled"))]
      .filter((each) => each.getClientRects().length > 0);
    const from = all.indexOf(sideways ? event.target : here.querySelector(".menu"));
    const next = all[from + (sideways ?? step)];
    if (!next) return;
    next.focus();
    if (next.classList.contains("menu")) this.#stopAt(next);
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
    const topic = make("bdi", { class: "topic", dir: "auto" }, line.message ?? "");
    const sentence = line.kind === "notice" ? [make("b", {}, words.noticeText()), topic] : pieces(words.lineSentence(line), { name, topic });
    return make("p", { class: `note ${line.kind}`, dir: "auto" }, ...sentence, " ", timeOf(line, this.#language));
  }

  #drawComposer(state, now) {
    const able = state.phase === "in";
    const muted = isMuted(state, now);
    byId("composer").hidden = state.me === null || state.phase === "closed";
    byId("message").disabled = !able;
    byId("send").disabled = !able || muted;
    const hint = able ? this.#hint(state, now, muted) : "";
    setText(byId("hint"), hint);
    byId("hint").hidden = !hint;
    byId("hint").classList.toggle("muted", muted);
    const quoted = able ? state.lines.find((line) => line.kind === "chat" && line.seq === state.replyTo) : undefined;
    byId("replying").hidden = !quoted;
    if (quoted && this.#lineOf.get(byId("replying")) !== quoted) byId("replying-to").replaceChildren(...replying(quoted));
    this.#lineOf.set(byId("replying"), quoted);
  }

  /** Why the next message does not go at once. */
  #hint(state, now, muted) {
    const seconds = (until) => Math.ceil((until - now) / 1000);
    if (muted) return words.mutedText(seconds(state.mutedUntil));
    const held = freeAt(state) > now ? words.heldText(seconds(freeAt(state))) : "";
    // The host speaks at any time.
    return [state.slow && !isHost(state) ? words.slowText(state.slow) : "", held].filter(Boolean).join(" ");
  }
}
