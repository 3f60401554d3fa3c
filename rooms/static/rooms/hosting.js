/**
 * The host's menu: topic, lock, slow mode, who was put out, and closing the room.
 * Knows its elements and the state's shape; must not know sockets or change state.
 */

import { byId, make, setText } from "./dom.js";
import { TOPIC_MAX, clean, length } from "./protocol.js";
import { asked, open } from "./sheets.js";
import { isHost } from "./store.js";
import * as texts from "./texts.js";
import * as words from "./words.js";

export class HostMenu {
  #act;
  /** @type {unknown[] | null} */
  #drawn = null;

  /** `act` has `ask(what, ...values)` and `remove()`; `state()` is the state as it is now. */
  constructor({ act, state }) {
    this.#act = act;
    byId("host-menu").addEventListener("click", () => {
      byId("host-topic").value = state().topic;
      setText(byId("host-told"), "");
      act.ask("blocks");
      this.#drawn = null;
      open(byId("host-dialog"));
      this.draw(state());
    });
    byId("host-topic-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const topic = clean(byId("host-topic").value);
      if (length(topic) > TOPIC_MAX) return setText(byId("host-told"), words.refusedText({ what: "topic", error: "bad_field", field: "topic", retryAfter: null }));
      return topic === state().topic ? setText(byId("host-told"), words.savedText()) : act.ask("topic", topic);
    });
    byId("host-lock").addEventListener("change", ({ target }) => act.ask("lock", target.checked));
    byId("host-slow").addEventListener("change", ({ target }) => act.ask("slow", Number(target.value)));
    byId("close-room").addEventListener("click", async () => {
      byId("host-dialog").close();
      if (await asked(byId("close-dialog"))) act.remove();
    });
  }

  /** Show the room as it is. */
  draw(state) {
    const able = isHost(state) && state.phase === "in";
    byId("host-menu").hidden = !able;
    const dialog = byId("host-dialog");
    if (!dialog.open) return;
    if (!able) return dialog.close();
    const inputs = [state.locked, state.slow, state.blocks, state.told];
    if (this.#drawn?.every((each, index) => each === inputs[index])) return;
    this.#drawn = inputs;
    byId("host-lock").checked = state.locked;
    this.#drawSlow(state.slow);
    this.#drawBlocks(state.blocks);
  }

  #drawSlow(seconds) {
    const select = byId("host-slow");
    for (const option of select.options) setText(option, Number(option.value) ? words.timeText(Number(option.value)) : words.offText());
    // A moderator may have chosen a time that is not among these.
    if (![...select.options].some((option) => Number(option.value) === seconds)) {
      select.append(make("option", { value: String(seconds) }, words.timeText(seconds)));
    }
    select.value = String(seconds);
  }

  #drawBlocks(blocks) {
    setText(byId("host-nobody"), blocks?.length === 0 ? words.nobodyOutText() : "");
    byId("host-blocks").replaceChildren(
      ...(blocks ?? []).map(({ nickName, tag }) => {
        const button = make("button", { type: "button", class: "small", "aria-label": words.liftNameText(nickName) }, words.liftText());
        button.addEventListener("click", () => {
          byId("host-blocked").focus();
          this.#act.ask("lift", tag);
        });
        return make("li", {}, make("span", {}, make("bdi", { class: "name" }, nickName), " ", make("span", { class: "tag" }, `#${tag}`)), button);
      }),
    );
  }

  /** What became of something that was asked; whether it was told here. */
  told(told) {
    if (!byId("host-dialog").open) return false;
    const done = told.what === "blocks" ? "" : words.savedText();
    setText(byId("host-told"), told.error === null ? done : (words.refusedText(told) ?? texts.refusal(told.error, told.field)));
    return true;
  }
}
