import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { clock, exact } from "../shared/time";
import { CopyButton } from "../shared/ui";
import { t } from "./texts";

/** Names and what they stand for; those without a value are left out. */
export function Facts({ facts }: { facts: [string, ComponentChildren][] }) {
  return (
    <dl>
      {facts.map(
        ([name, value]) =>
          value !== null && value !== undefined && value !== "" && value !== false && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** A text as it is, however long, with Copy. It is read from its own direction. */
export function LongText({ name, text }: { name: string; text: string }) {
  const body = useRef<HTMLDivElement>(null);
  return (
    <div class="part">
      <div class="part-head">
        <h3>{name}</h3>
        <CopyButton kind="quiet" text={text} shown={() => body.current} label={t.requests.copy(name)} />
      </div>
      <div class="long-text" dir="auto" ref={body} tabIndex={0} role="group" aria-label={name}>
        {text}
      </div>
    </div>
  );
}

/** An id in full, with Copy. */
export function CopyId({ name, id }: { name: string; id: string }) {
  const shown = useRef<HTMLElement>(null);
  return (
    <div class="copy-id">
      <span class="meta">{name}</span>
      <code ref={shown}>{id}</code>
      <CopyButton kind="quiet" text={id} shown={() => shown.current} label={t.requests.copy(name)} />
    </div>
  );
}

/** A text that may be longer than its column. */
export function Cut({ text }: { text: string }) {
  return (
    <span dir="auto" title={text}>
      {text}
    </span>
  );
}

/** A moment in a row: short, and exact where the pointer rests. */
export function Moment({ at }: { at: string }) {
  return (
    <time class="moment" dateTime={at} title={exact(at)}>
      {clock(at)}
    </time>
  );
}

/** Headers as they stand in HTTP, one a line. */
export function headerLines(headers: Record<string, string> | null): string {
  return Object.entries(headers ?? {})
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n");
}
