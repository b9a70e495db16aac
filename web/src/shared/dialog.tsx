import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { s } from "./texts";
import { Button } from "./ui";

interface DialogProps {
  label: string;
  class?: string;
  /** Called for Esc and for a click beside it; without it the dialog can't be left. */
  onClose?: () => void;
  children: ComponentChildren;
}

/** A modal dialog over the page: focus stays in it, and goes back to where it was. */
export function Dialog({ label, class: name, onClose, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={name}
      aria-label={label}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onKeyDown={(event) => {
        // A browser lets a second Esc close a dialog whatever its cancel event says.
        if (event.key !== "Escape") return;
        event.preventDefault();
        onClose?.();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose?.();
      }}
    >
      {children}
    </dialog>
  );
}

interface Question {
  text: string;
  action: string;
  answer: (yes: boolean) => void;
}

const asked = signal<Question | null>(null);

/** Asks before something is taken away. `action` is the word on the button that does it. False if the person leaves it. */
export function ask(text: string, action: string): Promise<boolean> {
  asked.peek()?.answer(false);
  return new Promise((resolve) => {
    asked.value = {
      text,
      action,
      answer: (yes) => {
        asked.value = null;
        resolve(yes);
      },
    };
  });
}

/** Where the questions of `ask` show; once on each page. */
export function Questions() {
  const question = asked.value;
  if (!question) return null;
  return (
    <Dialog key={question.text} label={question.action} class="card" onClose={() => question.answer(false)}>
      <p>{question.text}</p>
      <div class="actions end">
        <Button onClick={() => question.answer(false)}>{s.cancel}</Button>
        <Button kind="danger" onClick={() => question.answer(true)}>
          {question.action}
        </Button>
      </div>
    </Dialog>
  );
}
