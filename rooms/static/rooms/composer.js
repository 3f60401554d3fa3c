/**
 * When Enter sends, whatever keyboard or input method it comes from: a small machine fed with the text box's events.
 * Knows the orders in which browsers send them; must not know the page. Takes no timers.
 *
 * - Chrome, Firefox: keydown Enter (composing, keyCode 229) → compositionend → perhaps keydown Enter (13) or a line break.
 * - Safari: compositionend → keydown Enter (keyCode 229, no longer composing).
 * - Android: keydown 229 without a key → beforeinput with a line break.
 *
 * Korean finishes the syllable and sends with the one Enter; where Enter chooses a candidate (Japanese, Chinese) it only ends
 * the composition. Shift+Enter is a new line. A second Enter of the same stroke finds the box empty and sends nothing.
 */

const HANGUL = /\p{Script=Hangul}/u;
const LINE_BREAKS = ["insertLineBreak", "insertParagraph"];
const NOTHING = { send: false, prevent: false };

export class Composer {
  #composing = false;
  #entered = false;
  #wanted = false;
  #shift = false;
  #text = "";
  #ended = null;

  /** Whether a syllable or candidate is being made right now. */
  get composing() {
    return this.#composing;
  }

  /**
   * The send button was pressed: whether to send now. While something is being made it is not finished yet; then its end
   * sends, whatever the script.
   */
  press() {
    this.#wanted = this.#composing;
    return !this.#composing;
  }

  /** What to do about one event of the text box: `{send, prevent}`. */
  take(event) {
    switch (event.type) {
      case "compositionstart":
        this.#composing = true;
        this.#entered = false;
        this.#wanted = false;
        this.#text = "";
        return NOTHING;
      case "compositionupdate":
        this.#text = event.data || this.#text;
        return NOTHING;
      case "compositionend":
        return this.#end(event.data || this.#text);
      case "keydown":
        return this.#key(event);
      case "beforeinput":
        return this.#input(event);
      default:
        return NOTHING;
    }
  }

  #end(text) {
    const send = this.#wanted || (this.#entered && HANGUL.test(text));
    this.#composing = false;
    this.#entered = false;
    this.#wanted = false;
    this.#ended = text;
    return { send, prevent: false };
  }

  #key(event) {
    const ended = this.#ended;
    this.#ended = null;
    this.#shift = event.shiftKey;
    const enter = event.key === "Enter" || event.code === "Enter" || event.code === "NumpadEnter";
    if (!enter || event.shiftKey) {
      // Whoever goes on typing meant that Enter for the input method.
      this.#entered = false;
      return NOTHING;
    }
    if (event.isComposing || this.#composing) {
      this.#entered = true;
      return NOTHING;
    }
    // Safari: this Enter is the one that has just ended the composition.
    const chose = event.keyCode === 229 && ended !== null && !HANGUL.test(ended);
    return { send: !chose, prevent: true };
  }

  #input(event) {
    if (!LINE_BREAKS.includes(event.inputType) || this.#shift) return NOTHING;
    if (this.#composing) this.#entered = true;
    return { send: !this.#composing, prevent: true };
  }
}
