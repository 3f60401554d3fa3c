/**
 * One message as it stands in the talk: who, the quoted line, the words, the time, reactions.
 * Knows the state's shape and makes elements; must not know sockets, dialogs or change state. What may be pressed has
 * `data-do` (`menu`, `reply`, `react`, `jump`, `person`, `retry`, `drop`): view.js listens.
 */

import { make, setText } from "./dom.js";
import { pieces } from "./i18n.js";
import { split } from "./links.js";
import { person } from "./people.js";
import { REACTIONS } from "./protocol.js";
import { isHidden, isOwn } from "./store.js";
import * as texts from "./texts.js";
import * as words from "./words.js";

/** What each element was last drawn from, so that only what changed is drawn again. */
const drawn = new WeakMap();

/** The element of a new message. */
export function bubble(state, line, language) {
  const time = texts.clockText(line.at, language);
  const menu = make("button", { type: "button", class: "menu", tabindex: "-1", "aria-haspopup": "dialog", "data-do": "menu" },
    icon("M5 12h.01M12 12h.01M19 12h.01"), timeOf(line, language));
  menu.setAttribute("aria-label", words.lineMenuText(time));
  return make(
    "div",
    { class: "chat" },
    make("span", { class: "who", "data-do": line.nickname ? "person" : null }, ...(line.nickname ? person(state, line.nickname, line.tag) : [])),
    make("p", { class: "text", dir: "auto" }),
    make("span", { class: "foot" }, menu, make("span", { class: "sending" })),
    make("button", { type: "button", class: "back", tabindex: "-1", "data-do": "reply", "aria-label": words.replyText() },
      icon("M9 14l-5-5 5-5M4 9h10a6 6 0 0 1 6 6v4")),
  );
}

/** Bring a message's element up to date; `find(seq)` is another line. */
export function update(element, state, line, find) {
  // A line not yet confirmed is one's own, also before this page has been told who one is.
  element.classList.toggle("own", line.status !== "said" || isOwn(state, line));
  const quoted = line.replyTo === undefined ? null : (find(line.replyTo) ?? "gone");
  const away = quoted && isHidden(state, quoted.tag);
  const [reactions, mine] = [state.reactions[line.seq], state.mine[line.seq]];
  const inputs = [line, state.phase, quoted, away, reactions, mine];
  const before = drawn.get(element);
  if (before?.every((each, index) => each === inputs[index])) return;
  drawn.set(element, inputs);
  const same = (...places) => before !== undefined && places.every((place) => before[place] === inputs[place]);
  if (!same(0, 2, 3)) drawWords(element, line, quoted, away);
  if (!same(0, 1)) drawSending(element, line, state);
  if (!same(4, 5)) drawReactions(element, reactions ?? {}, mine ?? []);
}

function drawWords(element, line, quoted, away) {
  element.classList.toggle("removed", Boolean(line.removed));
  const text = element.querySelector(".text");
  if (line.removed) return setText(text, words.removedText());
  text.replaceChildren(...(quoted ? [quote(quoted, away)] : []), ...split(line.message).map(link));
}

function quote(line, away) {
  const lost = line === "gone" || away;
  const name = make("bdi", { class: "name" }, lost ? "" : (line.nickname ?? ""));
  const said = make("span", { class: "quoted" }, lost ? words.goneQuoteText() : line.removed ? words.removedText() : line.message);
  if (lost) return make("span", { class: "quote", dir: "auto" }, said);
  return make("button", { type: "button", class: "quote", dir: "auto", tabindex: "-1", "data-do": "jump" }, name, said);
}

function drawSending(element, line, state) {
  element.dataset.status = line.status;
  const able = line.status === "said" && !line.removed && state.phase === "in";
  for (const name of [".menu", ".back"]) element.querySelector(name).disabled = !able;
  const place = element.querySelector(".sending");
  if (line.status === "said") return place.replaceChildren();
  if (line.status === "sending") return place.replaceChildren(texts.sendingText());
  const choice = (name, text) => make("button", { type: "button", class: `small ${name}`, "data-do": name }, text);
  const choices = make("span", { class: "choices" }, choice("retry", texts.retryText()), choice("drop", texts.discardText()));
  return place.replaceChildren(texts.refusal(line.error), " ", ...(state.phase === "closed" ? [] : [choices]));
}

function drawReactions(element, counts, mine) {
  const shown = REACTIONS.filter((each) => counts[each] || mine.includes(each));
  const old = element.querySelector(".reactions");
  if (!shown.length) return old?.remove();
  const focused = old?.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.reaction : null;
  const row = make("div", { class: "reactions" }, ...shown.map((each) => chip(each, Math.max(counts[each] ?? 0, mine.includes(each) ? 1 : 0), mine)));
  if (old) old.replaceWith(row);
  else element.append(row);
  if (focused) row.querySelector(`[data-reaction=${focused}]`)?.focus();
}

const chip = (reaction, count, mine) =>
  make(
    "button",
    {
      type: "button", class: "chip", tabindex: "-1", "data-do": "react", "data-reaction": reaction,
      "aria-pressed": String(mine.includes(reaction)), "aria-label": words.reactionsText(reaction, count),
    },
    make("span", {}, words.REACTION_SIGNS[reaction], " ", String(count)),
  );

/** When a line was said. */
export function timeOf(line, language) {
  return make("time", { datetime: new Date(line.at).toISOString() }, texts.clockText(line.at, language));
}

/** A small picture made of strokes; it has no name. */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(svg.namespaceURI, "path"));
  svg.firstElementChild?.setAttribute("d", path);
  return svg;
}

/** The words about whom one is replying to, and the line's own words. */
export function replying(line) {
  const name = make("bdi", { class: "name" }, line.nickname ?? "");
  return [make("span", { class: "to" }, ...pieces(words.replyingText(), { name })), make("span", { class: "quoted", dir: "auto" }, line.message)];
}

/** A piece of a message: text, or a link that tells the other side nothing about this room. */
function link({ text, href }) {
  return href ? make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", dir: "ltr" }, text) : text;
}
