import { useState } from "preact/hooks";
import { ApiError } from "../shared/api";
import { Button, Field } from "../shared/ui";
import { go } from "./router";
import { useSave, type Errors } from "./save";
import { setUp } from "./session";
import { t } from "./texts";
import { useTitle } from "./title";

/** The shortest password that the server takes, in characters. */
const SHORTEST = 12;

/** Chooses the first password, from the one-time link that the server printed. */
export function SetupPage({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const { form, busy, errors, save } = useSave(["password"]);

  useTitle(t.frame.choose);

  const submit = (event: Event) => {
    event.preventDefault();
    const wrong: Errors = {};
    if (Array.from(password).length < SHORTEST) wrong.password = [t.frame.tooShort(SHORTEST)];
    else if (again !== password) wrong.again = [t.frame.different];
    void save(wrong, async () => {
      try {
        await setUp(token, password);
      } catch (failure) {
        const used = failure instanceof ApiError && !failure.fields.password && (failure.status === 400 || failure.status === 410);
        throw used ? new ApiError(failure.status, failure.code, t.frame.linkUsed) : failure;
      }
      // The token is used up; it leaves the address bar too.
      await go("/admin/", { replace: true });
    });
  };

  return (
    <main class="centre">
      <section class="sign-in">
        <h1>{t.frame.choose}</h1>
        <p>{t.frame.chooseWhy}</p>
        <form class="form" ref={form} onSubmit={submit} noValidate>
          <input class="offscreen" type="text" name="username" value="admin" autoComplete="username" readOnly tabIndex={-1} aria-hidden="true" />
          <Field label={t.frame.password} hint={t.frame.shortest(SHORTEST)} errors={errors.password}>
            {(attributes) => <input {...attributes} type="password" autoComplete="new-password" autofocus value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
          </Field>
          <Field label={t.frame.passwordAgain} errors={errors.again}>
            {(attributes) => <input {...attributes} type="password" autoComplete="new-password" value={again} onInput={(event) => setAgain(event.currentTarget.value)} />}
          </Field>
          {errors.form && <p class="error">{errors.form.join(" ")}</p>}
          <div class="actions">
            <Button type="submit" kind="main">
              {busy ? t.frame.saving : t.frame.save}
            </Button>
          </div>
        </form>
      </section>
    </main>
  );
}
