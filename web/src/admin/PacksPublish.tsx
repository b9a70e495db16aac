import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ask as question } from "../shared/dialog";
import { Button, Field, Notice } from "../shared/ui";
import { readPack } from "./pack";
import { SignedMark } from "./PacksPage";
import { useUnsaved } from "./router";
import { useSave } from "./save";
import { ask } from "./session";
import { t } from "./texts";

/** Publishes a pack from a file or from what is pasted. `published` is the version of now, null for none. */
export function PacksPublish({ published, reload }: { published: number | null; reload: () => Promise<void> }) {
  const [text, setText] = useState("");
  const [done, setDone] = useState<number | null>(null);
  const { form, busy, errors, save } = useSave(["text"]);
  const blank = text.trim() === "";
  useUnsaved(!blank && !busy);
  const read = blank ? null : readPack(text);
  const pack = read !== null && typeof read !== "string" ? read : null;

  const choose = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    setDone(null);
    await save({}, async () => {
      const content = await file.text().catch(() => {
        throw new Error(t.packs.unreadable);
      });
      setText(content);
    });
    // The same file, mended, can be chosen again.
    input.value = "";
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong = blank ? t.packs.empty : typeof read === "string" ? read : null;
    if (wrong === null && pack && !(await question(t.packs.ask(String(pack.version), pack.signed), t.packs.publish))) return;
    await save(wrong === null ? {} : { text: [wrong] }, async () => {
      if (!pack) return;
      await ask("/api/admin/pack/", { method: "POST", body: pack.json });
      setText("");
      setDone(pack.version);
      announce(t.packs.done(String(pack.version)));
      await reload();
    });
  };

  return (
    <section>
      <h2>{t.packs.publishTitle}</h2>
      <p>{t.packs.publishHint}</p>
      <form class="form wide" ref={form} noValidate onSubmit={submit}>
        <Field label={t.packs.file}>{(attributes) => <input {...attributes} type="file" accept=".json,application/json" onChange={(event) => void choose(event.currentTarget)} />}</Field>
        <Field label={t.packs.text} hint={t.packs.textHint} errors={errors.text}>
          {(attributes) => (
            <textarea
              {...attributes}
              class="mono"
              rows={8}
              autoComplete="off"
              spellcheck={false}
              value={text}
              onInput={(event) => {
                setText(event.currentTarget.value);
                setDone(null);
              }}
            />
          )}
        </Field>
        {typeof read === "string" && !errors.text && <Notice tone="warn">{read}</Notice>}
        {pack && (
          <p>
            {t.packs.read(String(pack.version), pack.hooks)} <SignedMark signed={pack.signed} />
          </p>
        )}
        {pack && published !== null && pack.version <= published && <Notice tone="warn">{t.packs.notHigher(String(pack.version), String(published))}</Notice>}
        {errors.form && (
          <Notice>
            <span class="lines">{errors.form.join("\n")}</span>
          </Notice>
        )}
        {done !== null && <Notice tone="ok">{t.packs.done(String(done))}</Notice>}
        <div class="actions">
          <Button type="submit" kind="main">
            {busy ? t.packs.publishing : t.packs.publish}
          </Button>
        </div>
      </form>
    </section>
  );
}
