/**
 * Searching Korean while it is being typed: `matches(text, wanted)`.
 * Knows letters only. A half-typed syllable finds what it will become (살 finds 사랑), initials find syllables (ㅅㄹㅂ
 * finds 사랑방), and width, case and composition do not matter.
 */

const INITIALS = "ᄀᄁᄂᄃᄄᄅᄆᄇᄈᄉᄊᄋᄌᄍᄎᄏᄐᄑᄒ";
/** What each final consonant (U+11A8…) is as the initials it may turn into when the next vowel is typed. */
const FINALS = "ᄀ ᄁ ᄀᄉ ᄂ ᄂᄌ ᄂᄒ ᄃ ᄅ ᄅᄀ ᄅᄆ ᄅᄇ ᄅᄉ ᄅᄐ ᄅᄑ ᄅᄒ ᄆ ᄇ ᄇᄉ ᄉ ᄊ ᄋ ᄌ ᄎ ᄏ ᄐ ᄑ ᄒ".split(" ");
/** Vowels that are typed as two. */
const VOWELS = { "ᅪ": "ᅩᅡ", "ᅫ": "ᅩᅢ", "ᅬ": "ᅩᅵ", "ᅯ": "ᅮᅥ", "ᅰ": "ᅮᅦ", "ᅱ": "ᅮᅵ", "ᅴ": "ᅳᅵ" };

/** Whether `text` contains what was typed so far. */
export function matches(text, wanted) {
  const typed = strokes(wanted.trim());
  if (strokes(text).includes(typed)) return true;
  return typed !== "" && [...typed].every((letter) => INITIALS.includes(letter)) && initials(text).includes(typed);
}

/** The text as the keys that type it. */
export function strokes(text) {
  return plain(text)
    .replace(/[\u11a8-\u11c2]/gu, (final) => FINALS[final.charCodeAt(0) - 0x11a8])
    .replace(/[ᅪᅫᅬᅯᅰᅱᅴ]/gu, (vowel) => VOWELS[vowel]);
}

const plain = (text) => text.normalize("NFKD").toLowerCase();

const initials = (text) => [...plain(text)].filter((letter) => INITIALS.includes(letter)).join("");
