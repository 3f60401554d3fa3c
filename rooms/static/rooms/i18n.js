/**
 * Django's catalogue for scripts (/jsi18n/, loaded before the modules), or the source texts where there is none.
 * Knows the catalogue's functions; must not know any text.
 */

const django = globalThis.django ?? {};

export const gettext = django.gettext ?? ((text) => text);
export const ngettext = django.ngettext ?? ((one, many, count) => (count === 1 ? one : many));

/** Put values into `%(name)s` places. */
export function fill(text, values) {
  return text.replace(/%\((\w+)\)s/g, (place, name) => values[name] ?? place);
}

/** A sentence cut at its `%(name)s` places, each replaced by what `values` has for it: texts and nodes, in order. */
export function pieces(text, values) {
  return text.split(/%\((\w+)\)s/).map((piece, index) => (index % 2 ? values[piece] : piece));
}
