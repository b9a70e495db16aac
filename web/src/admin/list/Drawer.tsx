import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Dialog } from "../../shared/dialog";
import { Icon } from "../../shared/icons";
import { roomy } from "../room";
import { t } from "../texts";

interface DrawerProps {
  label: string;
  close: () => void;
  children: ComponentChildren;
}

/** What a row holds: beside the list, or over it where there is no room. (Esc, in the list or here, is the page's to hear.) */
export function Drawer({ label, close, children }: DrawerProps) {
  const inside = (
    <>
      <Head label={label} close={close} />
      {children}
    </>
  );
  if (!roomy.value)
    return (
      <Dialog label={label} class="drawer" onClose={close}>
        {inside}
      </Dialog>
    );
  return (
    <aside class="drawer" aria-label={label}>
      {inside}
    </aside>
  );
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
