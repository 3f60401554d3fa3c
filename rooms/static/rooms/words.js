/**
 * The sentences of the room's page: its lines, its end, and what people do to it, to each other and to lines.
 * Knows codes and kinds of lines; must not know the page or state. What both pages say is in texts.js.
 */

import { fill, gettext, ngettext } from "./i18n.js";

/** Who did something, as the subject of a sentence. */
const actor = (by) => (by === "moderator" ? gettext("A moderator") : gettext("The host"));

/** Why the room is closed to this person. */
export function closing(reason, by = null) {
  const texts = {
    deleted: gettext("The host closed the room."),
    host_left: gettext("The host left, so the room is closed."),
    host_lost: gettext("The host did not come back, so the room is closed."),
    moderator: gettext("A moderator closed the room."),
    kicked: fill(gettext("%(by)s removed you from this room."), { by: actor(by) }),
    banned: gettext("You cannot enter this room, because you were removed from it."),
    barred: gettext("A moderator has barred you from this site."),
    not_found: gettext("This room is not open. The invitation may be old."),
  };
  return texts[reason] ?? gettext("The room is closed.");
}

/** What a person whose room ended like that can do now, or "". */
export function closingHelp(reason) {
  const texts = {
    kicked: gettext("You cannot come back to this room unless the removal is lifted. All other rooms are open to you."),
    banned: gettext("All other rooms are open to you."),
    barred: gettext("You cannot enter any room here until that ends. Please ask whoever runs this site if it is a mistake."),
  };
  return texts[reason] ?? "";
}

/** The sentence of a line that is not talk; `%(name)s` is the place of the name, `%(topic)s` that of a topic. */
export function lineSentence(line) {
  const texts = {
    entered: () => gettext("You are in the room as %(name)s."),
    join: () => gettext("%(name)s came in."),
    exit: () =>
      ({
        kicked: gettext("%(by)s removed %(name)s."),
        lost: gettext("%(name)s lost the connection and is out."),
      })[line.reason] ?? gettext("%(name)s left."),
    away: () => gettext("The connection to the host, %(name)s, was lost."),
    back: () => gettext("The host, %(name)s, is back."),
    earlier: () => gettext("What was said before is no longer there."),
    gap: () => gettext("Some messages from while you were away are gone."),
    mute: () => (line.seconds ? gettext("%(by)s muted %(name)s for %(time)s.") : gettext("%(by)s lets %(name)s speak again.")),
    lock: () => gettext("%(by)s locked the room: nobody new can come in."),
    unlock: () => gettext("%(by)s unlocked the room."),
    slow: () =>
      line.seconds ? gettext("%(by)s turned on slow mode: one message in %(time)s.") : gettext("%(by)s turned off slow mode."),
    topic: () => (line.message ? gettext("%(by)s set the topic: %(topic)s") : gettext("%(by)s removed the topic.")),
    transfer: () => gettext("%(name)s is the host now."),
  };
  return fill(texts[line.kind]?.() ?? "", { by: actor(line.by), time: timeText(line.seconds ?? 0) });
}

/** A length of time, in the largest units that tell it well. */
export function timeText(seconds) {
  const rest = Math.round(seconds);
  if (rest < 60) return fill(ngettext("%(count)s second", "%(count)s seconds", rest), { count: rest });
  if (rest < 3600) {
    const minutes = Math.round(rest / 60);
    return fill(ngettext("%(count)s minute", "%(count)s minutes", minutes), { count: minutes });
  }
  const hours = Math.round(rest / 3600);
  return fill(ngettext("%(count)s hour", "%(count)s hours", hours), { count: hours });
}

/** How long something takes yet: `m:ss` or `h:mm:ss`. */
function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export const mutedText = (seconds) =>
  fill(gettext("You are muted. You can send again in %(time)s; what you type stays here."), { time: clock(seconds) });
export const slowText = (seconds) => fill(gettext("Slow mode: one message in %(time)s."), { time: timeText(seconds) });
export const heldText = (seconds) =>
  fill(ngettext("The next message is sent in %(count)s second.", "The next message is sent in %(count)s seconds.", seconds), {
    count: seconds,
  });
export const mutedNowText = () => gettext("You have been muted.");
export const unmutedNowText = () => gettext("You can send messages again.");
export const noticeText = () => gettext("Notice from the moderators");
export const removedText = () => gettext("This message was removed");

/* Lines */

export const REACTION_SIGNS = { like: "👍", heart: "❤️", laugh: "😂", wow: "😮", sad: "😢", clap: "👏" };
export const reactionText = (reaction) =>
  ({
    like: gettext("Like"),
    heart: gettext("Heart"),
    laugh: gettext("Laugh"),
    wow: gettext("Wow"),
    sad: gettext("Sad"),
    clap: gettext("Clap"),
  })[reaction];
export const reactionsText = (reaction, count) =>
  fill(ngettext("%(name)s, %(count)s person", "%(name)s, %(count)s people", count), { name: reactionText(reaction), count });
export const lineMenuText = (time) => fill(gettext("%(time)s, reply, react and more"), { time });
export const replyText = () => gettext("Reply");
export const replyingText = () => gettext("Replying to %(name)s");
export const goneQuoteText = () => gettext("The message is no longer shown");
export const takeBackText = () => gettext("Remove this message");
export const aboutText = (name) => fill(gettext("About %(name)s"), { name });

/* People */

export const hidePersonText = () => gettext("Hide what this person says");
export const unhidePersonText = () => gettext("Show what this person says again");

/** Title, explanation and button of a question before something that cannot simply be undone. */
export const question = (what, name) =>
  ({
    kick: [
      fill(gettext("Remove %(name)s from the room?"), { name }),
      gettext("They cannot come back until you lift it in the room's menu."),
      gettext("Remove from the room"),
    ],
    transfer: [
      fill(gettext("Make %(name)s the host?"), { name }),
      gettext("They will run the room instead of you. You stay in it as a guest."),
      gettext("Make host"),
    ],
  })[what];

/* The host's menu */

export const liftText = () => gettext("Let in again");
export const liftNameText = (name) => fill(gettext("Let %(name)s in again"), { name });
export const nobodyOutText = () => gettext("Nobody has been removed.");
export const offText = () => gettext("Off");
export const savedText = () => gettext("Saved.");

/** Why something that was asked was not done, or what there is to say when it was. */
export function refusedText({ what, error, field, retryAfter }) {
  const wait = retryAfter ? { time: timeText(Math.max(1, retryAfter / 1000)) } : null;
  if (error === "too_fast" && wait && what === "report") {
    return fill(gettext("You have reported a lot. Please try again in %(time)s."), wait);
  }
  if (error === "muted") return gettext("You are muted, so you cannot react now.");
  if (error === "not_host" && what === "takeBack") return gettext("This message can no longer be removed.");
  const fields = {
    target: error === "not_in_room" ? gettext("That person is no longer in the room.") : gettext("That cannot be done to this person."),
    line: gettext("The message is no longer kept, so nothing can be done about it."),
    topic: gettext("Please keep the topic to one line of 80 characters."),
    note: gettext("Please keep the note to 200 characters."),
    tag: gettext("That person was let in again already."),
  };
  if (field && fields[field]) return fields[field];
  if (error === "too_many_rooms") return gettext("That person already hosts as many rooms as one person may.");
  return null;
}
