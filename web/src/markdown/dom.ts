/** Makes an element. Attributes are set as they are; nothing is ever read as markup. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Characters that turn the direction of the text after them. In code and links they can make one thing look like another. */
export const TURNING = /([\u202a-\u202e\u2066-\u2069])/;

/** Adds text in which such characters are shown, and turn nothing outside themselves. */
export function addPlain(into: HTMLElement, text: string): void {
  if (!TURNING.test(text)) {
    into.append(text);
    return;
  }
  for (const part of text.split(TURNING)) {
    if (TURNING.test(part)) into.append(make("bdi", { class: "turning", title: "U+" + part.charCodeAt(0).toString(16).toUpperCase() }, part));
    else if (part !== "") into.append(part);
  }
}

/**
 * Makes `old` look like `fresh` and changes as little as it can: elements stay, so scroll positions, selections and focus do.
 * Takes the nodes it needs out of `fresh`.
 */
export function patch(old: Element, fresh: Element): void {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const wanted = [...fresh.childNodes];
  for (const [index, node] of wanted.entries()) {
    const present = old.childNodes[index];
    if (!present) {
      old.append(...wanted.slice(index));
      return;
    }
    patchNode(present, node);
  }
  while (old.childNodes.length > wanted.length) old.lastChild!.remove();
}

function patchNode(old: ChildNode, fresh: ChildNode): void {
  if (old instanceof Text && fresh instanceof Text) {
    if (old.data === fresh.data) return;
    if (fresh.data.startsWith(old.data)) old.appendData(fresh.data.slice(old.data.length));
    else old.data = fresh.data;
  } else if (old instanceof HTMLElement && fresh instanceof HTMLElement && old.tagName === fresh.tagName && old.className === fresh.className) {
    patch(old, fresh);
  } else if (!old.isEqualNode(fresh)) {
    old.replaceWith(fresh);
  }
}
