import { Fragment } from "preact";
import { Dialog } from "../shared/dialog";
import { Button } from "../shared/ui";
import { keysShown } from "./frame";
import { controlName } from "./keys";
import { t } from "./texts";

/** Lists the keys. */
export function KeysDialog() {
  if (!keysShown.value) return null;
  const { names } = t.keys;
  const control = controlName();
  const lines: [what: string, keys: string[]][] = [
    [t.keys.send, [names.enter]],
    [t.keys.lineBreak, [names.shift, names.enter]],
    [t.keys.search, [control, "K"]],
    [t.keys.newChat, [control, names.shift, "O"]],
    [t.keys.copyCode, [control, names.shift, ";"]],
    [t.keys.rows, ["↑", "↓"]],
    [t.keys.end, [names.end]],
    [t.keys.composer, [names.shift, names.escape]],
    [t.keys.list, [control, "/"]],
  ];
  const close = () => (keysShown.value = false);
  return (
    <Dialog label={t.keys.title} class="card" onClose={close}>
      <h2>{t.keys.title}</h2>
      <dl class="keys">
        {lines.map(([what, keys]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((name, index) => (
                <Fragment key={name}>
                  {index > 0 && " "}
                  <kbd>{name}</kbd>
                </Fragment>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <div class="actions end">
        <Button onClick={close}>{t.keys.close}</Button>
      </div>
    </Dialog>
  );
}
