// What must hold of a page's layout in every state, looked at in the page itself. facts() is sent to the browser as
// it stands: it may use nothing from outside. It returns sentences, each about something that is wrong.
export function facts({ least }) {
  const wrong = [];
  const name = (el) => {
    const words = (el.getAttribute("aria-label") || el.innerText || el.value || el.title || "").trim().replace(/\s+/g, " ").slice(0, 50);
    return `${el.tagName.toLowerCase()}${el.id ? "#" + el.id : ""}${el.getAttribute("role") ? `[${el.getAttribute("role")}]` : ""} “${words}”`;
  };
  const visible = (el) => el.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const out = [...document.body.querySelectorAll("*")].filter((el) => visible(el) && el.getBoundingClientRect().right > root.clientWidth + 1 && el.getBoundingClientRect().width > 0);
    wrong.push(`the document is ${root.scrollWidth} px wide in a window of ${root.clientWidth}: ${out.slice(0, 3).map(name).join(", ")}`);
  }

  // What a modal dialog covers cannot be reached and counts for nothing.
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1);
  const reachable = (el) => (!modal || modal.contains(el)) && !el.closest("[inert]");

  // The part of an element that its scrolling and clipping ancestors, and the window, let be seen.
  const seen = (el) => {
    let { left, top, right, bottom } = el.getBoundingClientRect();
    for (let p = el.parentElement; p && p !== document.body; p = p.parentElement) {
      const s = getComputedStyle(p);
      if (s.position === "fixed" && p !== el) break;
      if (s.overflowX === "visible" && s.overflowY === "visible") continue;
      const r = p.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, r.left), Math.max(top, r.top), Math.min(right, r.right), Math.min(bottom, r.bottom)];
    }
    [left, top, right, bottom] = [Math.max(left, 0), Math.max(top, 0), Math.min(right, innerWidth), Math.min(bottom, innerHeight)];
    return { left, top, right, bottom, width: right - left, height: bottom - top };
  };

  // A link that is broken into lines is several boxes.
  const parts = (el) => {
    const whole = seen(el);
    if (getComputedStyle(el).display !== "inline") return [whole];
    return [...el.getClientRects()].map((r) => ({ left: Math.max(r.left, whole.left), top: Math.max(r.top, whole.top), right: Math.min(r.right, whole.right), bottom: Math.min(r.bottom, whole.bottom) }));
  };

  const interactive = [...document.querySelectorAll('a[href], button, input:not([type=hidden], :disabled), select, textarea, summary, [role=button], [role=option], [role=menuitem], [role=tab], [role=checkbox], [role=switch]')].filter((el) => visible(el) && reachable(el));
  const sticky = (el) => {
    for (let p = el; p; p = p.parentElement) if (["sticky", "fixed"].includes(getComputedStyle(p).position)) return p;
    return null;
  };
  // What has been scrolled under a bar that stays can be scrolled out from there.
  const apart = (a, b) => {
    const [one, other] = [sticky(a), sticky(b)];
    return one !== other && (scrollY > 0 || (one ?? other).getBoundingClientRect().top > innerHeight / 2) && root.scrollHeight > innerHeight;
  };
  const targets = [];
  for (const el of interactive) {
    const whole = el.getBoundingClientRect();
    if (whole.width <= 2 || whole.height <= 2 || whole.right + scrollX <= 0 || whole.bottom + scrollY <= 0) continue; // for screen readers, or a skip link before it has the focus
    const part = parts(el)[0] ?? whole;
    if (part.right - part.left > 4 && part.bottom - part.top > 4) {
      const top = document.elementFromPoint((part.left + part.right) / 2, (part.top + part.bottom) / 2);
      const label = el.labels?.[0];
      if (top && top !== el && !el.contains(top) && !top.contains(el) && !label?.contains(top) && !apart(el, top)) wrong.push(`${name(el)} is covered by ${name(top)}`);
    }
    const all = [whole, ...[...(el.labels ?? [])].map((l) => l.getBoundingClientRect())]; // what has a label may be pressed there too
    const [left, top, right, bottom] = [Math.min(...all.map((b) => b.left)), Math.min(...all.map((b) => b.top)), Math.max(...all.map((b) => b.right)), Math.max(...all.map((b) => b.bottom))];
    targets.push({ el, left, top, right, bottom, small: right - left < least - 0.5 || bottom - top < least - 0.5 });
  }
  // A target may be smaller where a circle as wide as the least size, around its middle, meets no other target and no other
  // such circle (WCAG 2.5.8); and a link in a sentence, as high as its line.
  const near = (t, to) => {
    const [x, y] = [(t.left + t.right) / 2, (t.top + t.bottom) / 2];
    if (to.small) return Math.hypot(x - (to.left + to.right) / 2, y - (to.top + to.bottom) / 2) < least;
    return Math.hypot(x - Math.min(Math.max(x, to.left), to.right), y - Math.min(Math.max(y, to.top), to.bottom)) < least / 2;
  };
  for (const t of targets) {
    if (!t.small || (t.el.matches("a, summary") && getComputedStyle(t.el).display === "inline")) continue;
    const other = targets.find((to) => to !== t && !to.el.contains(t.el) && !t.el.contains(to.el) && near(t, to) && !apart(t.el, to.el));
    if (other) wrong.push(`${name(t.el)} is ${Math.round(t.right - t.left)} × ${Math.round(t.bottom - t.top)} px, less than ${least}, and close to ${name(other.el)}`);
  }
  // None lies upon another one.
  const boxes = interactive.flatMap((el) => parts(el).map((box) => ({ el, box }))).filter(({ box }) => box.right - box.left > 4 && box.bottom - box.top > 4);
  for (let i = 0; i < boxes.length && boxes.length < 400; i++) {
    for (let j = i + 1; j < boxes.length; j++) {
      const [a, b] = [boxes[i], boxes[j]];
      if (a.el.contains(b.el) || b.el.contains(a.el) || apart(a.el, b.el)) continue;
      const w = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
      const h = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
      const layered = getComputedStyle(a.el).position === "absolute" || getComputedStyle(b.el).position === "absolute"; // by design, such as a field's own button: it must not be covered, see above
      if (w > 2 && h > 2 && !layered) wrong.push(`${name(a.el)} overlaps ${name(b.el)} by ${Math.round(w)} × ${Math.round(h)} px`);
    }
  }

  // No text is cut without an ellipsis and a way to the whole of it.
  for (const el of document.body.querySelectorAll("*")) {
    if (!visible(el) || !reachable(el) || el.closest("svg, math, select, textarea, input")) continue;
    const texts = [...el.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!texts || el.clientWidth <= 2) continue;
    const s = getComputedStyle(el);
    const hides = (v) => v === "hidden" || v === "clip";
    if (hides(s.overflowX) && el.scrollWidth > el.clientWidth + 1) {
      if (s.textOverflow !== "ellipsis") wrong.push(`${name(el)} is cut at the side without an ellipsis`);
      else if (!el.closest("[title]") && !el.querySelector("[title]")) wrong.push(`${name(el)} is cut by an ellipsis and has no title`);
    }
    if (hides(s.overflowY) && el.scrollHeight > el.clientHeight + 2 && s.webkitLineClamp === "none") wrong.push(`${name(el)} is cut below`);
    // A box that nothing clips: its text must not run out of it over others.
    if (s.overflowX === "visible" && s.display !== "inline" && el.scrollWidth > el.clientWidth + 2 && el.clientWidth > 0) {
      const range = document.createRange();
      range.selectNodeContents(el);
      if (range.getBoundingClientRect().right > seen(el).right + 2 && !el.closest("pre")) wrong.push(`the text of ${name(el)} runs out of its box`);
    }
  }
  // Many that are wrong in the same way are one sentence.
  const kinds = new Map();
  for (const text of new Set(wrong)) {
    const kind = text.replace(/“[^”]*”/g, "").replace(/#\S+/g, "");
    kinds.set(kind, [...(kinds.get(kind) ?? []), text]);
  }
  return [...kinds.values()].map(([first, ...more]) => first + (more.length ? ` (and ${more.length} more like it)` : ""));
}

/** The text that a person sees: without what is only for screen readers, and not what is scrolled away within a box. */
export function seenText() {
  const out = [];
  let block = null;
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1);
  const walker = document.createTreeWalker(modal ?? document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const el = n.parentElement;
    if (!n.data.trim() || !el.checkVisibility({ visibilityProperty: true })) continue;
    let b = el;
    while (b.parentElement && getComputedStyle(b).display === "inline") b = b.parentElement;
    if (b.clientWidth <= 1 && b.clientHeight <= 1 && b !== document.body) continue; // for screen readers
    if (block && b !== block) out.push("\n");
    block = b;
    out.push(n.data);
  }
  return out.join("").replace(/[ \t\u00a0\u202f]+/g, " ");
}
