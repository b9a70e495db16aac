// Draws formulas; a file of its own, loaded with the first one. MathML only: browsers draw it with their own fonts.
import DOMPurify from "dompurify";
import katex from "katex";

const TAGS = "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover";
const ATTRIBUTES =
  "display displaystyle scriptlevel mathvariant mathcolor mathbackground mathsize accent accentunder columnalign columnlines columnspacing rowalign rowlines rowspacing frame framespacing depth height width fence form largeop linethickness lspace rspace maxsize minsize movablelimits notation separator stretchy symmetric voffset";
const config = { ALLOWED_TAGS: [...TAGS.split(" "), "#text"], ALLOWED_ATTR: ATTRIBUTES.split(" "), ALLOW_DATA_ATTR: false, ALLOW_ARIA_ATTR: false, IN_PLACE: true };

/** Draws a formula as MathML; null where the source is no formula that is known. */
export function typeset(source: string, display: boolean): Element | null {
  const into = document.createElement("span");
  try {
    katex.render(source, into, { output: "mathml", displayMode: display, throwOnError: true, strict: "ignore", trust: false, maxExpand: 200, maxSize: 20 });
  } catch {
    return null;
  }
  const maths = into.querySelector("math");
  const drawn = maths?.querySelector("semantics");
  if (!maths || !drawn?.firstElementChild) return null;
  // What it was written as stands beside the drawing, in an element that browsers show as text.
  drawn.replaceWith(drawn.firstElementChild);
  DOMPurify.sanitize(maths, config);
  return maths;
}
