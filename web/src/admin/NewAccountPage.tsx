import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { freshKey } from "../shared/random";
import { Button, Field, Notice } from "../shared/ui";
import { go, useUnsaved } from "./router";
import { KeyField, keyErrors, pairing, showOnce } from "./secrets";
import { ask } from "./session";
import type { Account } from "./types";

/** The hint of every Webhook URL field: this server's own receiver is one that always works. */
export const WEBHOOK_HINT = (
  <>
    Answers are sent here by POST. For the chat page of this server: <code>{location.origin}/api/webhooks/chatgpt/</code>
  </>
);

/** Makes an account. Its key is there before Save, so that it can be copied first. */
export function NewAccountPage() {
  const [email, setEmail] = useState("");
  const [webhook, setWebhook] = useState("");
  const [key, setKey] = useState(freshKey);
  const [busy, setBusy] = useState(false);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  useUnsaved(!busy && (email !== "" || webhook !== ""));

  const submit = async (event: Event) => {
    event.preventDefault();
    const wrong = keyErrors(key);
    setErrors(wrong.length > 0 ? { key: wrong } : {});
    if (wrong.length > 0) return announce(wrong.join(" "));
    setBusy(true);
    try {
      const { body } = await ask<{ account: Account; key: string; webhook_secret: string | null }>("/api/admin/accounts/", {
        method: "POST",
        body: { email: email.trim(), key: key.trim(), ...(webhook.trim() && { webhook_url: webhook.trim() }) },
      });
      const account = String(body.account.id);
      showOnce({ account, words: "API Key", secret: body.key, note: "It works now. Clients send it as X-API-Key." }, pairing(account, body.key));
      if (body.webhook_secret) showOnce({ account, words: "Webhook secret", secret: body.webhook_secret, note: "It verifies that a webhook came from this server." });
      announce("Account saved");
      await go(`/admin/accounts/${account}/`, { saved: true, replace: true });
    } catch (failure) {
      setErrors(failure instanceof ApiError && Object.keys(failure.fields).length > 0 ? failure.fields : { form: [sentence(failure)] });
      announce(sentence(failure));
      setBusy(false);
    }
  };

  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>New GPT Account</h1>
      </header>
      <form class="form" onSubmit={submit}>
        <Field label="Email" hint="The name of the account." errors={errors.email}>
          {(attributes) => <input {...attributes} type="email" autoComplete="off" required autofocus value={email} onInput={(event) => setEmail(event.currentTarget.value)} />}
        </Field>
        <Field label="Webhook URL" hint={WEBHOOK_HINT} errors={errors.webhook_url}>
          {(attributes) => <input {...attributes} type="url" autoComplete="off" spellcheck={false} value={webhook} onInput={(event) => setWebhook(event.currentTarget.value)} />}
        </Field>
        <KeyField value={key} onChange={setKey} errors={errors.key} />
        {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
        <div class="actions">
          <Button type="submit" kind="main" disabled={busy}>
            {busy ? "Saving" : "Save"}
          </Button>
          <Button onClick={() => go("/admin/accounts/")}>Cancel</Button>
        </div>
      </form>
    </>
  );
}
