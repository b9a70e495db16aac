import { render, type ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Dialog } from "../../shared/dialog";
import { Icon } from "../../shared/icons";
import { roomy } from "../room";
import { t } from "../texts";

interface DrawerProps {
  label: string;
  close: () => void;
  children: ComponentChildren;
}

/**
 * What a row holds: beside the list, or over it where there is no room. (Esc, in the list or here, is the page's to hear.) The
 * content is drawn into an element of its own, which moves from the one place to the other when the window does: what was
 * opened and loaded in it stays.
 */
export function Drawer({ label, close, children }: DrawerProps) {
  const [content] = useState(() => Object.assign(document.createElement("div"), { className: "drawer-content" }));
  useLayoutEffect(() =>
    render(
      <>
        <Head label={label} close={close} />
        {children}
      </>,
      content,
    ),
  );
  useLayoutEffect(() => () => render(null, content), []);
  // Looked up here: when the new place is drawn, the old one has left the page, and the focus with it.
  const focused = content.contains(document.activeElement) ? document.activeElement : null;
  if (!roomy.value)
    return (
      <Dialog key="over" label={label} class="drawer" onClose={close}>
        <Place content={content} focused={focused} />
      </Dialog>
    );
  return (
    <aside key="beside" class="drawer" aria-label={label}>
      <Place content={content} focused={focused} />
    </aside>
  );
}

/** Where the content is. The focus comes along. */
function Place({ content, focused }: { content: HTMLElement; focused: Element | null }) {
  const here = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => here.current?.append(content), []);
  useEffect(() => {
    if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  }, []);
  return <div class="drawer-content" ref={here} />;
}

function Head({ label, close }: Omit<DrawerProps, "children">) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus({ preventScroll: true }), []);
  return (
    <header class="drawer-head">
      <h2 ref={heading} tabIndex={-1}>
        {label}
      </h2>
      <button type="button" class="button quiet" aria-label={t.list.close} onClick={close}>
        <Icon name="close" />
      </button>
    </header>
  );
}
