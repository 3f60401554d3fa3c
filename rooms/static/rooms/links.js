/**
 * The links in what people write: `split(text)` cuts a text into `{text}` and `{text, href}` pieces, in order.
 * Knows addresses; must not know the page. Nothing is fetched; only http and https become links.
 */

const ADDRESS = /https?:\/\/[^\s<>"'`\u2018-\u201f\u3000-\u301f\uff00-\uff0f]+/giu;
/** A Korean particle right after an address in Latin letters belongs to the sentence, not to the address. */
const PARTICLE = /([a-z0-9/_=%-])(?:은|는|이|가|을|를|에|에서|에게|로|으로|의|와|과|도|만|부터|까지|라고|이라고|입니다|이에요|예요|이야|야|요)$/iu;
const PAIRS = { ")": "(", "]": "[", "}": "{" };

export function split(text) {
  const pieces = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const shown = trimmed(found);
    const href = address(shown);
    if (href === null) continue;
    if (index > done) pieces.push({ text: text.slice(done, index) });
    pieces.push({ text: shown, href });
    done = index + shown.length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

/** Without the full stop, bracket or particle that ends the sentence around it. */
function trimmed(found) {
  let text = found;
  for (;;) {
    const last = text.at(-1);
    const closes = last in PAIRS && count(text, last) > count(text, PAIRS[last]);
    const shorter = closes || /[.,;:!?…·~*]/u.test(last) ? text.slice(0, -1) : text.replace(PARTICLE, "$1");
    if (shorter === text) return text;
    text = shorter;
  }
}

const count = (text, letter) => text.split(letter).length - 1;

/** The address as a browser reads it, or null: no name and password in it, which only serve to hide where it leads. */
function address(text) {
  const url = parsed(text);
  if (url === null || url.username || url.password || !url.hostname) return null;
  return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
}

function parsed(text) {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
