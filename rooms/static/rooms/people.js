/**
 * Draws who is in the room, each name a button that opens what may be done about that person.
 * Knows the list's elements and the state's shape; must not know sockets or change state.
 */

import { byId, make, setText } from "./dom.js";
import { isHidden } from "./store.js";
import * as texts from "./texts.js";

const COLOURS = 12;

/** Which of the colours a tag has: the same everywhere in one room. */
export function colour(tag) {
  return [...(tag ?? "")].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7) % COLOURS;
}

/** A person's name with everything that tells them from an impostor. */
export function person(state, nickname, tag) {
  const parts = [
    make("bdi", { class: `name colour-${colour(tag)}`, dir: "auto" }, nickname),
    make("span", { class: "tag" }, `#${tag}`),
  ];
  if (nickname === state.host) parts.push(make("span", { class: "badge" }, texts.hostText()));
  if (nickname === state.me?.nickname) parts.push(make("span", { class: "me" }, `(${texts.meText()})`));
  return parts.flatMap((part, index) => (index ? [" ", part] : [part]));
}

/** Everybody to be listed: the host, oneself, the others, then who spoke and left, then who is hidden and not here. */
export function listed(state) {
  const rank = ({ nickName }) => (nickName === state.host ? 0 : nickName === state.me?.nickname ? 1 : 2);
  const all = new Map();
  const add = (nickname, tag, out) => all.has(`${tag} ${nickname}`) || all.set(`${tag} ${nickname}`, { nickname, tag, out });
  for (const each of [...state.members].sort((a, b) => rank(a) - rank(b))) add(each.nickName, each.tag, false);
  for (const line of state.lines) if (line.kind === "chat") add(line.nickname, line.tag, true);
  for (const { nickname, tag } of state.hidden) add(nickname, tag, true);
  return [...all.values()];
}

export class People {
  #open;
  /** @type {string | null} */
  #key = null;
  /** @type {Page.State | null} */
  #state = null;

  /** `open(person)` is called when someone's name is pressed. */
  constructor(open) {
    this.#open = open;
    byId("people-details").addEventListener("toggle", () => this.#state && this.draw(this.#state));
    // A tap beside the list closes it, as does Escape.
    addEventListener("keydown", (event) => event.key === "Escape" && !document.querySelector("dialog[open]") && this.#close());
    byId("talk").addEventListener("pointerdown", () => this.#close());
  }

  draw(state) {
    this.#state = state;
    byId("people").hidden = state.me === null || state.phase === "closed";
    setText(byId("people-count"), texts.peopleText(state.participants));
    setText(byId("people-names"), state.members.map((each) => `\u2068${each.nickName}\u2069`).join(", "));
    if (byId("people-details").open) this.#drawList(state);
  }

  #drawList(state) {
    const people = listed(state);
    const key = JSON.stringify([people, state.host, state.me, state.hidden, state.participants]);
    if (this.#key === key) return;
    this.#key = key;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.person;
    byId("people-list").replaceChildren(...people.map((each) => this.#item(state, each)));
    if (focused) byId("people-list").querySelector(`[data-person="${CSS.escape(focused)}"]`)?.focus();
    const more = state.participants - state.members.length;
    setText(byId("people-more"), more > 0 ? texts.othersText(more) : "");
  }

  #item(state, { nickname, tag, out }) {
    const hidden = isHidden(state, tag);
    const parts = person(state, nickname, tag);
    if (out) parts.push(" ", make("span", { class: "badge out" }, texts.outText()));
    if (hidden) parts.push(" ", make("span", { class: "badge out" }, texts.hiddenText()));
    const item = make("li", { class: hidden || out ? "away" : null });
    if (tag === state.me?.tag) {
      item.append(make("span", { class: "person" }, ...parts));
      return item;
    }
    const button = make("button", { type: "button", class: "person", "aria-haspopup": "dialog", "data-person": `${tag} ${nickname}` }, ...parts);
    button.addEventListener("click", () => this.#open({ nickname, tag }));
    item.append(button);
    return item;
  }

  #close() {
    byId("people-details").open = false;
  }
}
