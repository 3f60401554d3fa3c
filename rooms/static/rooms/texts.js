/**
 * The sentences that both pages' scripts show, and the room's about the connection, in the page's language.
 * Knows codes; must not know the page or state. What else the room says is in words.js.
 */

import { fill, gettext, ngettext } from "./i18n.js";

/** What to tell a person whose command was refused with `error`. */
export function refusal(error, field = null) {
  const texts = {
    room_not_found: gettext("That room is not open any more."),
    room_name_taken: gettext("A room with that name is already open."),
    room_full: gettext("The room is full. Please try again later, or choose another room."),
    room_locked: gettext("The host has locked the room, so nobody new can come in. Try again later, or choose another room."),
    name_taken: gettext("Somebody in the room already uses that nickname. Please choose another one."),
    name_not_allowed: gettext("That name cannot be used. Please choose another one."),
    banned: gettext("You cannot enter this room."),
    muted: gettext("This was not sent, because you were muted."),
    too_fast: gettext("You are a little too fast. Please try again in a moment."),
    too_many_rooms: gettext("You already have as many rooms open as one person may."),
    unavailable: gettext("The server is busy. Please try again in a moment."),
    unconfirmed: gettext("It is not certain that this message was sent."),
    not_in_room: gettext("You were out of the room when this was sent."),
    not_host: gettext("Only the host can do that."),
    quote_gone: gettext("The message you replied to is no longer kept. Try again to send this without it."),
    offline: gettext("There is no connection right now. Please try again in a moment."),
    not_allowed: gettext("There is a word in it that cannot be used here. Please put it in another way."),
  };
  const fields = {
    userName: gettext("Please choose a nickname of 1 to 10 characters."),
    roomName: gettext("Please choose a room name of 1 to 30 characters."),
    message: gettext("This message cannot be sent as it is."),
  };
  return texts[error] ?? fields[field] ?? gettext("That did not work. Please try again.");
}

/** The thin line about the connection, or "" when all is well. */
export function connectionText(connection, seconds, online) {
  if (connection.status === "open") return "";
  if (connection.status === "ended") return gettext("The server has ended this connection.");
  if (!online) return gettext("You are offline. Your messages will be sent when you are back.");
  if (connection.status === "connecting" || seconds < 1) return gettext("Connecting…");
  return fill(ngettext("Connecting again in %(count)s second.", "Connecting again in %(count)s seconds.", seconds), {
    count: seconds,
  });
}

export const lostText = () => gettext("The connection was lost.");

export const awayText = (seconds) =>
  fill(
    ngettext(
      "The host's connection was lost. The room closes in %(count)s second unless the host comes back.",
      "The host's connection was lost. The room closes in %(count)s seconds unless the host comes back.",
      seconds,
    ),
    { count: seconds },
  );

export const peopleText = (count) => fill(ngettext("%(count)s person", "%(count)s people", count), { count });
export const roomsText = (count) => fill(ngettext("%(count)s room", "%(count)s rooms", count), { count });
export const hostedText = () => gettext("Host: %(name)s");
export const officialText = () => gettext("Always open");
export const lockedText = () => gettext("Locked");
export const hostText = () => gettext("Host");
export const enterOrMakeText = () => gettext("Enter or make the room");
export const goneText = () => gettext("Closed");
export const meText = () => gettext("me");
export const sendingText = () => gettext("Sending…");
export const retryText = () => gettext("Try again");
export const enterText = () => gettext("Enter");
export const makeText = () => gettext("Make the room");
export const copiedText = () => gettext("The link has been copied.");
export const nobodyFoundText = () => gettext("No open room matches. You can make one with that name.");
export const noRandomText = () => gettext("There is no room with people in it right now. How about making one?");
export const nicknameFirstText = () => gettext("Please choose a nickname first.");
export const tooLongText = (max) => fill(gettext("Please keep it to %(count)s characters."), { count: max });
export const newMessagesText = (count) => fill(ngettext("%(count)s new message", "%(count)s new messages", count), { count });
export const cameText = (count) => fill(ngettext("%(count)s person came in", "%(count)s people came in", count), { count });
export const wentText = (count) => fill(ngettext("%(count)s person left", "%(count)s people left", count), { count });
export const othersText = (count) => fill(ngettext("and %(count)s more", "and %(count)s more", count), { count });
export const hiddenText = () => gettext("hidden");
export const outText = () => gettext("out");
export const discardText = () => gettext("Discard");
export const blockedText = () => gettext("This browser does not let this page show notifications.");
export const clockText = (at, language) =>
  new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" }).format(new Date(at));
