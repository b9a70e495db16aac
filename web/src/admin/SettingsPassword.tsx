import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { Button, Field, Notice } from "../shared/ui";
import { useUnsaved } from "./router";
import { useSave, type Errors } from "./save";
import { ask } from "./session";
import { t } from "./texts";

/** The shortest password that the server takes, in characters. */
const SHORTEST = 12;

/** Changes the password of the panel. */
export function SettingsPassword() {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [changed, setChanged] = useState(false);
  const { form, busy, errors, save } = useSave(["current", "password"]);
  useUnsaved(!busy && password !== "");

  const submit = (event: Event) => {
    event.preventDefault();
    const wrong: Errors = {};
    if (Array.from(password).length < SHORTEST) wrong.password = [t.settings.tooShort(SHORTEST)];
    else if (again !== password) wrong.again = [t.settings.notSame];
    void save(wrong, async () => {
      await ask("/api/admin/password/", { method: "POST", body: { current, password } });
      for (const set of [setCurrent, setPassword, setAgain]) set("");
      setChanged(true);
      announce(t.settings.changed);
    });
  };

  return (
    <section>
      <h2>{t.settings.password}</h2>
      <p>{t.settings.passwordHint}</p>
      <form class="form" ref={form} noValidate onSubmit={submit} onInput={() => setChanged(false)}>
        {/* Password managers file a password under a name. */}
        <input class="offscreen" type="text" name="username" value="admin" autoComplete="username" readOnly tabIndex={-1} aria-hidden="true" />
        <Field label={t.settings.current} errors={errors.current}>
          {(attributes) => <input {...attributes} type="password" autoComplete="current-password" required value={current} onInput={(event) => setCurrent(event.currentTarget.value)} />}
        </Field>
        <Field label={t.settings.fresh} hint={t.settings.freshHint(SHORTEST)} errors={errors.password}>
          {(attributes) => <input {...attributes} type="password" autoComplete="new-password" required value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
        </Field>
        <Field label={t.settings.again} errors={errors.again}>
          {(attributes) => <input {...attributes} type="password" autoComplete="new-password" required value={again} onInput={(event) => setAgain(event.currentTarget.value)} />}
        </Field>
        {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
        {changed && <Notice tone="ok">{t.settings.changed}</Notice>}
        <div class="actions">
          <Button type="submit" kind="main">
            {busy ? t.settings.changing : t.settings.change}
          </Button>
        </div>
      </form>
    </section>
  );
}
