/**
 * The sheets that open for a person or a message: what one may do about them, the question before what cannot be undone,
 * and the report. Knows their elements and the state's shape; must not know sockets or change state.
 */

import { replying } from "./bubble.js";
import { byId, make, setText } from "./dom.js";
import { person } from "./people.js";
import { REACTIONS } from "./protocol.js";
import { isHidden, isHost, isOwn, mayRemove } from "./store.js";
import * as texts from "./texts.js";
import * as words from "./words.js";

/** Open a dialog; a press beside it closes it, and the focus is never lost. */
export function open(dialog) {
  dialog.returnValue = "";
  if (!dialog.open) dialog.showModal();
}

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    const box = dialog.getBoundingClientRect();
    const beside = event.clientY < box.top || event.clientY > box.bottom || event.clientX < box.left || event.clientX > box.right;
    if (event.target === dialog && beside) dialog.close();
  });
  dialog.addEventListener("close", () => document.activeElement === document.body && byId("log").focus({ preventScroll: true }));
}

/** Ask a yes-or-no question in a dialog. */
export function asked(dialog) {
  return new Promise((answer) => {
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true });
    open(dialog);
  });
}

export class Sheets {
  #act;
  #state;
  /** @type {Page.Person | null} */
  #person = null;
  /** @type {Page.Line | null} */
  #line = null;

  /** `act` has `ask(what, ...values)`, `toggle(person, hide)` and `reply(line)`; `state()` is the state as it is now. */
  constructor({ act, state }) {
    this.#act = act;
    this.#state = state;
    this.#listenPerson();
    this.#listenLine();
    this.#listenReport();
  }

  /* A person */

  /** Open a person's sheet. */
  person({ nickname, tag }) {
    const state = this.#state();
    this.#person = { nickname, tag };
    byId("person-title").replaceChildren(...person(state, nickname, tag));
    this.draw(state);
    open(byId("person-dialog"));
  }

  #listenPerson() {
    const press = (id, call) =>
      byId(id).addEventListener("click", () => {
        byId("person-dialog").close();
        call(this.#person);
      });
    press("person-hide", (who) => this.#act.toggle(who, !isHidden(this.#state(), who.tag)));
    press("person-report", (who) => this.report(latest(this.#state(), who)));
    press("person-kick", (who) => this.#confirm("kick", who));
    press("person-transfer", (who) => this.#confirm("transfer", who));
    for (const button of byId("person-mute").querySelectorAll("button")) {
      button.addEventListener("click", () => {
        byId("person-dialog").close();
        this.#act.ask("mute", this.#person?.nickname, Number(button.dataset.seconds));
      });
    }
  }

  async #confirm(what, { nickname }) {
    const [title, help, button] = words.question(what, nickname);
    setText(byId("confirm-title"), title);
    setText(byId("confirm-help"), help);
    setText(byId("confirm-yes"), button);
    byId("confirm-yes").classList.toggle("danger", what === "kick");
    if (await asked(byId("confirm-dialog"))) this.#act.ask(what, nickname);
  }

  /* A message */

  /** Open a message's sheet. */
  line(line) {
    const state = this.#state();
    this.#line = line;
    byId("line-quote").replaceChildren(...person(state, line.nickname, line.tag), " ", make("span", { class: "quoted", dir: "auto" }, line.message));
    this.draw(state);
    open(byId("line-dialog"));
  }

  #listenLine() {
    byId("line-reactions").append(
      ...REACTIONS.map((each) =>
        make("button", { type: "button", "data-reaction": each, "aria-label": words.reactionText(each) }, words.REACTION_SIGNS[each]),
      ),
    );
    byId("line-reactions").addEventListener("click", ({ target }) => {
      const button = target.closest("[data-reaction]");
      if (button) this.#pressed(({ seq }) => this.#act.ask("react", seq, button.dataset.reaction, button.getAttribute("aria-pressed") !== "true"));
    });
    const press = (id, call) => byId(id).addEventListener("click", () => this.#pressed(call));
    press("line-reply", (line) => this.#act.reply(line));
    press("line-person", (line) => this.person(line));
    press("line-report", (line) => this.report(line));
    press("line-remove", (line) => this.#act.ask("takeBack", line.seq));
  }

  #pressed(call) {
    byId("line-dialog").close();
    call(this.#line);
  }

  /* A report */

  /** Ask for the reason of a report. */
  report(line) {
    this.#line = line;
    byId("report-form").reset();
    byId("report-quote").replaceChildren(...replying(line).slice(1));
    this.#drawReport("asking");
    open(byId("report-dialog"));
  }

  #listenReport() {
    byId("report-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const reason = new FormData(byId("report-form")).get("reason");
      this.#drawReport("sending");
      this.#act.ask("report", this.#line?.seq, reason, byId("report-note").value);
    });
    byId("report-hide").addEventListener("click", () => {
      byId("report-dialog").close();
      this.#act.toggle({ nickname: this.#line?.nickname, tag: this.#line?.tag }, true);
    });
    for (const button of document.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => /** @type {HTMLDialogElement} */ (button.closest("dialog")).close());
    }
  }

  #drawReport(phase, problem = "") {
    byId("report-form").hidden = phase === "done";
    byId("report-done").hidden = phase !== "done";
    byId("report-send").disabled = phase === "sending";
    setText(byId("report-problem"), problem);
    if (phase === "done") byId("report-thanks").focus();
  }

  /* What changes while they are open */

  /** Show what may be done now. */
  draw(state) {
    if (this.#person) this.#drawPerson(state, this.#person);
    if (this.#line && byId("line-quote").hasChildNodes()) this.#drawLine(state, this.#line);
  }

  #drawPerson(state, who) {
    const self = who.tag === state.me?.tag;
    // Not everybody is listed in a large room: the server knows who is there.
    const unlisted = state.participants > state.members.length;
    const here = unlisted || state.members.some((each) => each.nickName === who.nickname && each.tag === who.tag);
    setText(byId("person-hide"), isHidden(state, who.tag) ? words.unhidePersonText() : words.hidePersonText());
    byId("person-hide").hidden = self;
    byId("person-hide-help").hidden = self;
    byId("person-report").hidden = self || !latest(state, who);
    byId("person-self").hidden = !self;
    byId("person-host").hidden = !(isHost(state) && here && !self);
  }

  #drawLine(state, line) {
    const now = state.lines.find((each) => each.kind === "chat" && each.seq === line.seq) ?? line;
    const own = isOwn(state, line);
    const mine = state.mine[line.seq ?? -1] ?? [];
    if (now.removed && byId("line-dialog").open) byId("line-dialog").close();
    for (const button of byId("line-reactions").children) {
      button.setAttribute("aria-pressed", String(mine.includes(button.dataset.reaction)));
    }
    byId("line-person").hidden = own;
    setText(byId("line-person"), words.aboutText(line.nickname));
    byId("line-report").hidden = own;
    byId("line-remove").hidden = !mayRemove(state, now, Date.now());
  }

  /** What became of something that was asked; whether it was told here. */
  told(told) {
    if (told.what !== "report" || !byId("report-dialog").open) return false;
    if (told.error === null) this.#drawReport("done");
    else this.#drawReport("asking", words.refusedText(told) ?? texts.refusal(told.error, told.field));
    return true;
  }
}

/** The latest message of a person that is still there to be read. */
function latest(state, { nickname, tag }) {
  return state.lines.findLast((line) => line.kind === "chat" && !line.removed && line.nickname === nickname && line.tag === tag);
}
