/**
 * Where the talk is scrolled to: it follows the newest line only for whoever is reading there; for all others nothing
 * moves, and a pill says how many messages are new. Knows the log's element; must not know what is in it.
 */

const NEAR_END_PX = 40;

export class Scroll {
  #log;
  #pill;
  #text;
  #following = true;
  #height = 0;
  #seen = 0;
  #heard = 0;

  /** `text(count)` words the pill. */
  constructor(log, pill, text) {
    this.#log = log;
    this.#pill = pill;
    this.#text = text;
    log.addEventListener("scroll", () => {
      // Moved by a change of size, which is dealt with below, and by no hand.
      if (log.clientHeight !== this.#height) return;
      this.#following = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
      this.#draw();
    }, { passive: true });
    pill.addEventListener("click", () => {
      this.toEnd();
      log.focus({ preventScroll: true });
    });
    // A growing message box or a phone's keyboard takes room away: whoever read the newest line still does.
    new ResizeObserver(() => {
      this.#height = log.clientHeight;
      if (this.#following) this.toEnd();
    }).observe(log);
  }

  /** Change the log's lines, keeping in place what is being read. `heard` counts the messages of others so far. */
  around(change, heard) {
    this.#heard = heard;
    const anchor = this.#following ? null : this.#anchor();
    const before = anchor?.offsetTop;
    change();
    if (this.#following) this.toEnd();
    else if (anchor?.isConnected) this.#log.scrollTop += anchor.offsetTop - before;
    this.#draw();
  }

  toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#following = true;
    this.#draw();
  }

  /** The first line that can be seen. */
  #anchor() {
    const top = this.#log.scrollTop;
    return [...this.#log.children].find((line) => line.offsetTop + line.offsetHeight > top);
  }

  #draw() {
    if (this.#following) this.#seen = this.#heard;
    const fresh = this.#heard - this.#seen;
    this.#pill.hidden = this.#following;
    const text = fresh > 0 ? this.#text(fresh) : "";
    const label = this.#pill.querySelector(".pill-text");
    if (label.textContent !== text) label.textContent = text;
  }
}
