/**
 * Telling someone who is looking elsewhere that something was said: `(n)` in the title, and, once asked for, a sound and
 * a notification without the message's text. Knows the browser's means; must not know the room's state.
 */

import * as storage from "./storage.js";

const QUIET_MS = 2000;

export class Alerts {
  #title;
  #text;
  #icon;
  #seen = 0;
  #heard = 0;
  /** @type {AudioContext | null} */
  #audio = null;
  #last = 0;
  /** @type {Notification | null} */
  #shown = null;

  /** `title()` is the page's own title, `text(count)` what a notification says. */
  constructor({ title, text, icon }) {
    this.#title = title;
    this.#text = text;
    this.#icon = icon;
    // Sound is allowed only after the person has done something on the page.
    for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => this.isOn("sound") && this.#wake());
  }

  /** Whether `sound` or `notify` is switched on, and still allowed. */
  isOn(what) {
    return storage.isOn(what) && (what === "sound" || globalThis.Notification?.permission === "granted");
  }

  /** Switch one of them; returns whether it is as wanted. */
  async set(what, on) {
    if (on && what === "notify" && (await globalThis.Notification?.requestPermission()) !== "granted") return false;
    storage.setOn(what, on);
    if (on && what === "sound") this.#wake();
    return true;
  }

  /** So many messages of others by now. */
  draw(heard, now) {
    const news = heard > this.#heard;
    this.#heard = heard;
    if (!document.hidden) this.#read();
    const count = heard - this.#seen;
    const title = count > 0 ? `(${count}) ${this.#title()}` : this.#title();
    if (document.title !== title) document.title = title;
    if (!news || count <= 0 || now - this.#last < QUIET_MS) return;
    this.#last = now;
    if (this.isOn("sound")) this.#ring();
    if (this.isOn("notify")) this.#notify(count);
  }

  #read() {
    this.#seen = this.#heard;
    this.#shown?.close();
    this.#shown = null;
  }

  #wake() {
    this.#audio ??= globalThis.AudioContext ? new AudioContext() : null;
    if (this.#audio?.state === "suspended") this.#audio.resume().catch(() => {});
  }

  /** Two soft tones, made here. */
  #ring() {
    const audio = this.#audio;
    if (audio?.state !== "running") return;
    [660, 880].forEach((frequency, index) => {
      const begin = audio.currentTime + index * 0.12;
      const tone = new OscillatorNode(audio, { frequency });
      const volume = new GainNode(audio, { gain: 0 });
      volume.gain.setValueAtTime(0, begin);
      volume.gain.linearRampToValueAtTime(0.08, begin + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, begin + 0.25);
      tone.connect(volume).connect(audio.destination);
      tone.start(begin);
      tone.stop(begin + 0.3);
    });
  }

  #notify(count) {
    try {
      this.#shown = new Notification(this.#title(), { body: this.#text(count), icon: this.#icon, tag: location.href });
      this.#shown.onclick = () => globalThis.focus();
    } catch {
      // Some phones allow notifications only to what is installed: the title and the sound are left.
    }
  }
}
