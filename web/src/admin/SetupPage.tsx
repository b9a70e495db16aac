import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { Button, Field } from "../shared/ui";
import { go } from "./router";
import { setUp } from "./session";
import { t } from "./texts";
import { useTitle } from "./title";

/** The shortest password that the server takes, in characters. */
const SHORTEST = 12;

/** Chooses the first password, from the one-time link that the server printed. */
export function SetupPage({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Record<string, string[]>>({});

  useTitle(t.frame.choose);

  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong: Record<string, string[]> = {};
    if (Array.from(password).length < SHORTEST) wrong.password = [t.frame.tooShort(SHORTEST)];
    else if (again !== password) wrong.again = [t.frame.different];
    setErrors(wrong);
    const first = Object.values(wrong)[0];
    if (first) return announce(first.join(" "));
    setBusy(true);
    try {
      await setUp(token, password);
      // The token is used up; it leaves the address bar too.
      await go("/admin/", { replace: true });
    } catch (failure) {
      setErrors(refusal(failure));
      announce(sentence(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <main class="centre">
      <section class="sign-in">
        <h1>{t.frame.choose}</h1>
        <p>{t.frame.chooseWhy}</p>
        <form class="form" onSubmit={submit} noValidate>
          <input class="offscreen" type="text" name="username" value="admin" autoComplete="username" readOnly tabIndex={-1} aria-hidden="true" />
          <Field label={t.frame.password} hint={t.frame.shortest(SHORTEST)} errors={errors.password}>
            {(attributes) => <input {...attributes} type="password" autoComplete="new-password" autofocus value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
          </Field>
          <Field label={t.frame.passwordAgain} errors={errors.again}>
            {(attributes) => <input {...attributes} type="password" autoComplete="new-password" value={again} onInput={(event) => setAgain(event.currentTarget.value)} />}
          </Field>
          {errors.form && <p class="error">{errors.form.join(" ")}</p>}
          <div class="actions">
            <Button type="submit" kind="main" disabled={busy}>
              {busy ? t.frame.saving : t.frame.save}
            </Button>
          </div>
        </form>
      </section>
    </main>
  );
}

function refusal(error: unknown): Record<string, string[]> {
  if (error instanceof ApiError && error.fields.password) return { password: error.fields.password };
  if (error instanceof ApiError && (error.status === 400 || error.status === 410)) return { form: [t.frame.linkUsed] };
  return { form: [sentence(error)] };
}
