// Colours code; a file of its own, loaded when the first block of code has ended.
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import csharp from "highlight.js/lib/languages/csharp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import markdown from "highlight.js/lib/languages/markdown";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";

const languages = { bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, markdown, php, python, ruby, rust, sql, swift, typescript, xml, yaml };
for (const [name, language] of Object.entries(languages)) hljs.registerLanguage(name, language);

/** The tree that highlight.js builds: text, and scopes with what is in them. */
interface Scope {
  scope?: string;
  children: (Scope | string)[];
}

/** Code as text and spans with classes ("c-keyword"); null where the language is not known. Made of nodes: nothing is read as markup. */
export function highlight(code: string, language: string): DocumentFragment | null {
  if (!hljs.getLanguage(language)) return null;
  const result = hljs.highlight(code, { language, ignoreIllegals: true });
  const tree = (result._emitter as unknown as { rootNode: Scope }).rootNode;
  const fragment = document.createDocumentFragment();
  add(fragment, tree);
  return fragment;
}

function add(into: Node, scope: Scope): void {
  for (const child of scope.children) {
    if (typeof child === "string") {
      into.appendChild(document.createTextNode(child));
      continue;
    }
    const name = child.scope?.split(/[.:]/)[0];
    if (!name || name === "language") {
      add(into, child);
      continue;
    }
    const span = document.createElement("span");
    span.className = "c-" + name;
    add(span, child);
    into.appendChild(span);
  }
}
