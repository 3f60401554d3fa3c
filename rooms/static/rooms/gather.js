/**
 * Lines of talk into what is shown: `rows(lines, isHidden)` → `{key, line, follows}` and `{key, lines}`, in order.
 * Knows kinds of lines; must not know the page. Runs of one speaker are marked, comings and goings in numbers gathered,
 * and nothing is said of a host who was away and came back before anybody said anything.
 */

export const FEW = 3;
const TOGETHER_MS = 60_000;
/** Whoever was put out stands apart: that somebody did. */
const moves = (line) => line.kind === "join" || (line.kind === "exit" && line.reason !== "kicked");

/** @param {Page.Line[]} all @param {(line: Page.Line) => boolean} [isHidden] @returns {Page.Row[]} */
export function rows(all, isHidden = () => false) {
  const lines = all.filter((line, index) => !briefly(line, all[index + 1]) && !briefly(all[index - 1], line));
  /** @type {Page.Row[]} */
  const shown = [];
  for (let index = 0; index < lines.length; ) {
    const end = endOfMoves(lines, index);
    if (end - index > FEW) {
      shown.push({ key: `moves-${lines[index].key}`, lines: lines.slice(index, end) });
      index = end;
      continue;
    }
    const line = lines[index];
    index += 1;
    if (line.kind === "chat" && isHidden(line)) continue;
    shown.push({ key: line.key, line, follows: follows(line, shown.at(-1)?.line) });
  }
  return shown;
}

const briefly = (away, back) => away?.kind === "away" && back?.kind === "back";

function endOfMoves(lines, start) {
  let end = start;
  while (end < lines.length && moves(lines[end])) end += 1;
  return end;
}

/** Same person, same minute: the name need not be said again. */
function follows(line, before) {
  const alike = before?.kind === "chat" && line.kind === "chat" && before.nickname === line.nickname && before.tag === line.tag;
  return alike && Math.abs(line.at - before.at) < TOGETHER_MS;
}

/** How many of the lines are comings, and how many goings. */
export function tally(lines) {
  const came = lines.filter((line) => line.kind === "join").length;
  return { came, went: lines.length - came };
}
