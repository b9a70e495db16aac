import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { Button, Field } from "../shared/ui";
import { go } from "./router";
import { setUp } from "./session";

/** The shortest password that the server takes, in characters. */
const SHORTEST = 12;

/** Chooses the first password, from the one-time link that the server printed. */
export function SetupPage({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Record<string, string[]>>({});

  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong: Record<string, string[]> = {};
    if (Array.from(password).length < SHORTEST) wrong.password = [`Use at least ${SHORTEST} characters.`];
    else if (again !== password) wrong.again = ["The two are not the same."];
    setErrors(wrong);
    const first = Object.values(wrong)[0];
    if (first) return announce(first.join(" "));
    setBusy(true);
    try {
      await setUp(token, password);
      // The token is used up; it leaves the address bar too.
      await go("/admin/accounts/", { replace: true });
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
        <h1>Choose a password</h1>
        <p>It opens this panel. There is one password for the whole server.</p>
        <form class="form" onSubmit={submit} noValidate>
          <input class="offscreen" type="text" name="username" value="admin" autoComplete="username" readOnly tabIndex={-1} aria-hidden="true" />
          <Field label="Password" hint={`At least ${SHORTEST} characters.`} errors={errors.password}>
            {(attributes) => <input {...attributes} type="password" autoComplete="new-password" autofocus value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
          </Field>
          <Field label="Password again" errors={errors.again}>
            {(attributes) => <input {...attributes} type="password" autoComplete="new-password" value={again} onInput={(event) => setAgain(event.currentTarget.value)} />}
          </Field>
          {errors.form && <p class="error">{errors.form.join(" ")}</p>}
          <div class="actions">
            <Button type="submit" kind="main" disabled={busy}>
              {busy ? "Saving" : "Save"}
            </Button>
          </div>
        </form>
      </section>
    </main>
  );
}

function refusal(error: unknown): Record<string, string[]> {
  if (error instanceof ApiError && error.fields.password) return { password: error.fields.password };
  if (error instanceof ApiError && (error.status === 400 || error.status === 410)) return { form: ["This link is used up or too old. Print a fresh one with: chatbridge admin link"] };
  return { form: [sentence(error)] };
}
