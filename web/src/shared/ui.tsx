import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { announce } from "./announce";
import { copyText, type Copied } from "./copy";
import { Icon, type IconName } from "./icons";
import { chooseLanguage, languageChoice, type LanguageChoice as Choice, LANGUAGES } from "./language";
import { s } from "./texts";
import { chooseTheme, theme, type Theme } from "./theme";
import type { Status } from "./types";
import { STATUS_WORDS } from "./words";

/** How long "Copied" stays on the button, in milliseconds. */
const COPIED_FOR = 2000;

interface ButtonProps {
  children: ComponentChildren;
  icon?: IconName;
  /** `main` is the one that the view is for; `danger` takes something away. */
  kind?: "main" | "danger" | "quiet";
  type?: "button" | "submit";
  disabled?: boolean;
  /** Looks disabled and is told so, but keeps the focus; what a press does is up to who draws it. */
  idle?: boolean;
  /** The name for screen readers, where the words alone do not say it. */
  label?: string;
  onClick?: () => void;
}

/** A button with words, and an icon where it helps. */
export function Button({ children, icon, kind, type = "button", disabled = false, idle = false, label, onClick }: ButtonProps) {
  return (
    <button type={type} class={"button" + (kind ? " " + kind : "")} disabled={disabled} aria-disabled={idle || undefined} aria-label={label} onClick={onClick}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface CopyProps {
  text: string;
  /** Finds the element that shows the text: it is selected where the browser refuses to copy. */
  shown?: () => HTMLElement | null;
  children?: ComponentChildren;
  label?: string;
  kind?: "quiet";
}

/** Copies a text and says what came of it. */
export function CopyButton({ text, shown, children = s.copy, label, kind }: CopyProps) {
  const [result, setResult] = useState<Copied | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async () => {
    const came = await copyText(text, shown?.());
    clearTimeout(timer.current);
    setResult(came);
    announce(s.copied[came]);
    if (came === "copied") timer.current = setTimeout(() => setResult(null), COPIED_FOR);
  };
  return (
    <Button icon={result === "copied" ? "check" : "copy"} {...(kind && { kind })} {...(label && !result && { label })} onClick={copy}>
      {result ? s.copied[result] : children}
    </Button>
  );
}

/** One sentence that stays until it is solved, and what can be done about it. */
export function Notice({ tone = "bad", children, actions }: { tone?: "bad" | "warn" | "ok" | "plain"; children: ComponentChildren; actions?: ComponentChildren }) {
  const icon: Record<typeof tone, IconName> = { bad: "failed", warn: "warning", ok: "done", plain: "stop" };
  return (
    <div class={"notice " + tone}>
      <Icon name={icon[tone]} />
      <div class="notice-text">{children}</div>
      {actions && <div class="actions">{actions}</div>}
    </div>
  );
}

/** Says that something is loading; shows after 300 ms only, so that quick answers do not flicker. */
export function Loading({ children }: { children: ComponentChildren }) {
  return <p class="loading">{children}</p>;
}

/** A request's status as icon, word and colour. */
export function StatusMark({ status }: { status: Status }) {
  const look = STATUS_WORDS[status];
  return (
    <span class={"mark " + look.tone}>
      <Icon name={look.icon} />
      {look.word}
    </span>
  );
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  /** Sentences on what is wrong with it. */
  errors?: string[] | undefined;
  /** Draws the control; it must take these attributes. */
  children: (attributes: { id: string; "aria-describedby": string | undefined; "aria-invalid": boolean }) => ComponentChildren;
}

/** A labelled control with its hint and its errors tied to it. */
export function Field({ label, hint, errors = [], children }: FieldProps) {
  const id = useId();
  const described = [hint && id + "-hint", errors.length > 0 && id + "-error"].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": errors.length > 0 })}
      {hint && (
        <p class="hint" id={id + "-hint"}>
          {hint}
        </p>
      )}
      {errors.length > 0 && (
        <p class="error" id={id + "-error"}>
          {errors.join(" ")}
        </p>
      )}
    </div>
  );
}

/** Chooses the colours. */
export function ThemeChoice() {
  return (
    <label class="theme-choice">
      {s.theme}
      <select value={theme.value} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
        <option value="system">{s.themes.system}</option>
        <option value="light">{s.themes.light}</option>
        <option value="dark">{s.themes.dark}</option>
      </select>
    </label>
  );
}

/** Chooses the language; the page is loaded anew in it. */
export function LanguageChoice() {
  return (
    <label class="theme-choice">
      {s.language}
      <select value={languageChoice} onChange={(event) => chooseLanguage(event.currentTarget.value as Choice)}>
        <option value="system">{s.languageSystem}</option>
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
