import { useEffect, useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { counting, now, tick } from "../shared/time";
import { Button, Field } from "../shared/ui";
import { logIn } from "./session";
import { t } from "./texts";

/** How long too many tries shut the door where the server does not say, in milliseconds. */
const SHUT_FOR = 10_000;

/** Asks for the admin password. */
export function LogIn({ title, reason }: { title: string; reason?: string }) {
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [shutUntil, setShutUntil] = useState(0);
  const shut = shutUntil > now.value;
  useEffect(() => (shut ? tick() : undefined), [shut]);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy || shut) return;
    setBusy(true);
    setError(null);
    try {
      await logIn(password);
    } catch (failure) {
      if (failure instanceof ApiError && failure.status === 429) {
        const wait = failure.retryAfter ? failure.retryAfter * 1000 : SHUT_FOR;
        setShutUntil(Date.now() + wait);
        announce(t.frame.tooMany(counting(wait)));
      } else {
        const words = failure instanceof ApiError && failure.status === 401 ? t.frame.wrongPassword : sentence(failure);
        setError(words);
        announce(words);
      }
    } finally {
      setBusy(false);
    }
  };

  const words = shut ? t.frame.tooMany(counting(shutUntil - now.value)) : error;
  return (
    <section class="sign-in">
      <h1>{title}</h1>
      {reason && <p>{reason}</p>}
      <form class="form" onSubmit={submit}>
        {/* Password managers file a password under a name. */}
        <input class="offscreen" type="text" name="username" value="admin" autoComplete="username" readOnly tabIndex={-1} aria-hidden="true" />
        <Field label={t.frame.password} errors={words ? [words] : []}>
          {(attributes) => <input {...attributes} type="password" name="password" autoComplete="current-password" required autofocus value={password} onInput={(event) => setPassword(event.currentTarget.value)} />}
        </Field>
        <div class="actions">
          <Button type="submit" kind="main" disabled={busy || shut || password === ""}>
            {busy ? t.frame.loggingIn : t.frame.logIn}
          </Button>
        </div>
      </form>
    </section>
  );
}
