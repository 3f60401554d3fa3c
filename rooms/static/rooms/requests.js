/**
 * What a person asks of the server beyond talking (what hosts and people may do to a room, to each other and to lines),
 * and what became of it: pure, a part of store.js.
 * Knows the commands; must not know sockets or the page.
 *
 * What is asked waits in `state.asked` under its `ref`, and is asked again after coming back; what became of the latest is
 * in `state.told`: `{what, error, field, retryAfter, frame}`, with `error` null when it was done.
 */

import { REF_SAFE_MS, command } from "./protocol.js";

/** The state with frames to send. */
export function send(state, ...frames) {
  return { ...state, outgoing: [...state.outgoing, ...frames] };
}

/** The state after making a new `ref`, and the `ref`. */
export function withRef(state) {
  const refs = state.refs + 1;
  return [{ ...state, refs }, `${state.session}-${refs}`];
}

/** Ask for `what`, one of `command`'s names, with its values. */
export function ask(state, { what, values = [], now }) {
  if (!state.joined) return { ...state, told: { what, error: "offline" } };
  const [next, ref] = withRef(state);
  const frame = command[what](state.roomID, state.me.nickname, ...values, ref);
  return send({ ...next, asked: { ...next.asked, [ref]: { what, frame, at: now } } }, frame);
}

/** After coming back: ask again for what got no answer, as long as the server surely knows its `ref`. */
export function askAgain(state, now) {
  return Object.entries(state.asked).reduce((next, [ref, { what, frame, at }]) => {
    if (now - at <= REF_SAFE_MS) return send(next, { ...frame, userName: next.me.nickname });
    return { ...without(next, ref), told: { what, error: "unconfirmed" } };
  }, state);
}

const without = (state, ref) => {
  const { [ref]: _, ...asked } = state.asked;
  return { ...state, asked };
};

/**
 * The state when a message answers something that was asked; an event then still happens to the room.
 * @param {Page.State} state @param {Wire.Incoming} message @returns {Page.State}
 */
export function answered(state, message) {
  const asked = message.ref === undefined ? undefined : state.asked[message.ref];
  // Anybody could say something under somebody else's `ref`: an answer is of its command's type.
  if (!asked || message.type.replace("SERVER", "CLIENT") !== asked.frame.type) return state;
  const next = without(state, message.ref);
  const { what, frame } = asked;
  if (message.status === false) {
    const { error, field = null, retryAfter = null } = /** @type {Wire.IncomingRefusal} */ (message);
    return { ...next, told: { what, error, field, retryAfter, frame } };
  }
  return { ...(learned[message.type]?.(next, message) ?? next), told: { what, error: null, frame } };
}

/** What answers say that no event does. */
const learned = {
  SERVER_BLOCK_LIST: (state, { blocks }) => ({ ...state, blocks }),
  SERVER_BLOCK_LIFT: (state, { tag }) => ({ ...state, blocks: state.blocks?.filter((each) => each.tag !== tag) ?? null }),
  SERVER_CHAT_REACT: (state, { line, reaction, on }) =>
    on === undefined ? state : { ...state, mine: { ...state.mine, [line]: toggled(state.mine[line] ?? [], reaction, on) } },
};

const toggled = (reactions, reaction, on) => [...reactions.filter((each) => each !== reaction), ...(on ? [reaction] : [])];
