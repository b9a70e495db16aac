import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { Button, Field } from "../shared/ui";
import { logIn } from "./key";

/** Asks for the API key. */
export function LogIn({ title, reason }: { title: string; reason?: string }) {
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
    } catch (failure) {
      const words = failure instanceof ApiError && failure.status === 401 ? "This key is not taken. Copy it again from the admin panel, or make a new one there." : sentence(failure);
      setError(words);
      announce(words);
    } finally {
      setBusy(false);
    }
  };

  return (
    <section class="sign-in">
      <h1>{title}</h1>
      {reason && <p>{reason}</p>}
      <form class="form" onSubmit={submit}>
        <Field label="API Key" hint={<>The admin panel shows it when an account or a key is made: <a href="/admin/">open the panel</a>.</>} errors={error ? [error] : []}>
          {(attributes) => <input {...attributes} type="password" class="mono" autoComplete="off" spellcheck={false} required autofocus value={value} onInput={(event) => setValue(event.currentTarget.value)} />}
        </Field>
        <label class="check">
          <input type="checkbox" checked={remember} onChange={(event) => setRemember(event.currentTarget.checked)} />
          Remember here
        </label>
        <div class="actions">
          <Button type="submit" kind="main" disabled={busy || value.trim() === ""}>
            {busy ? "Logging in" : "Log in"}
          </Button>
        </div>
      </form>
    </section>
  );
}
