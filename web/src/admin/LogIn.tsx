import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { Button, Field } from "../shared/ui";
import { logIn } from "./session";

/** Asks for the admin password. */
export function LogIn({ title, reason }: { title: string; reason?: string }) {
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await logIn(password);
    } catch (failure) {
      const words = refusal(failure);
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
        {/* Password managers file a password under a name. */}
        <input class="offscreen" type="text" name="username" value="admin" autoComplete="username" readOnly tabIndex={-1} aria-hidden="true" />
        <Field label="Password" errors={error ? [error] : []}>
          {(attributes) => <input {...attributes} type="password" name="password" autoComplete="current-password" required autofocus value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
        </Field>
        <div class="actions">
          <Button type="submit" kind="main" disabled={busy || password === ""}>
            {busy ? "Logging in" : "Log in"}
          </Button>
        </div>
      </form>
    </section>
  );
}

function refusal(error: unknown): string {
  if (!(error instanceof ApiError)) return sentence(error);
  if (error.status === 401) return "This is not the password.";
  if (error.status === 429) return error.retryAfter ? `Too many tries. Wait ${error.retryAfter} s, then try again.` : "Too many tries. Wait a little, then try again.";
  return error.detail;
}
