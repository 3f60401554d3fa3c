/**
 * Small helpers for making elements. Text becomes text nodes, never markup.
 * Knows the document only.
 */

/**
 * The element with this id, which must be there, of whatever kind.
 * @type {(id: string) => any}
 */
export const byId = (id) => document.getElementById(id);

/** A new element with attributes and children (nodes or texts). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Change a text only when it differs, so that screen readers and selections are left alone. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Make `parent`'s children these elements, moving and removing as few as possible. */
export function setChildren(parent, elements) {
  const wanted = new Set(elements);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const element of elements) {
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
}

/** The page's settings, which the server wrote as JSON. */
export const config = () => JSON.parse(byId("config").textContent);
