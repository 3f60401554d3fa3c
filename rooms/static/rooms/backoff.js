/**
 * How long to wait before coming back: a random time below a bound that doubles (full jitter).
 * Knows numbers only.
 */

export const FIRST_MS = 500;
export const LARGEST_MS = 15_000;

/** The longest wait before try number `attempt` (counted from 0). */
export function bound(attempt) {
  return Math.min(LARGEST_MS, FIRST_MS * 2 ** attempt);
}

/** The wait itself, in milliseconds. */
export function delay(attempt, random = Math.random) {
  return random() * bound(attempt);
}
