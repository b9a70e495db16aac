import { useRef, useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { Button, Field } from "../shared/ui";
import { logIn, logOut } from "./key";
import { t } from "./texts";

/** Asks for the API key. `again`: the server refused the one that was in use. */
export function LogIn({ again = false }: { again?: boolean }) {
  const field = useRef<HTMLFormElement>(null);
  const [value, setValue] = useState("");
  const [remember, setRemember] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await logIn(value.trim(), remember);
      announce(t.logIn.done);
    } catch (failure) {
      const words = failure instanceof ApiError && failure.status === 401 ? t.logIn.wrong : sentence(failure);
      setError(words);
      announce(words);
      setBusy(false);
      // Where the form lies over the page, what is spoken outside of it is not heard: the field then says what is wrong with it.
      requestAnimationFrame(() => field.current?.querySelector("input")?.focus());
    }
  };

  return (
    <section class="sign-in">
      <h1>{again ? t.logIn.again : t.logIn.title}</h1>
      {again && <p>{t.logIn.reason}</p>}
      <form class="form" ref={field} onSubmit={submit}>
        <Field
          label={t.logIn.field}
          hint={
            <>
              {t.logIn.hint} <a href="/admin/">{t.logIn.panel}</a>.
            </>
          }
          errors={error ? [error] : []}
        >
          {(attributes) => <input {...attributes} type="password" class="mono" autoComplete="off" spellcheck={false} required autofocus value={value} onInput={(event) => setValue(event.currentTarget.value)} />}
        </Field>
        <label class="check">
          <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.currentTarget.checked)} />
          {t.logIn.remember}
        </label>
        <div class="actions">
          <Button type="submit" kind="main" disabled={busy || value.trim() === ""}>
            {busy ? t.logIn.busy : t.logIn.button}
          </Button>
          {again && (
            <Button kind="quiet" onClick={logOut}>
              {t.frame.logOut}
            </Button>
          )}
        </div>
      </form>
    </section>
  );
}
