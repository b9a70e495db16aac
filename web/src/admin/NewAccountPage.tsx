import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { freshKey } from "../shared/random";
import { s } from "../shared/texts";
import { Button, Field, Notice } from "../shared/ui";
import { viewOf } from "./AccountPage";
import { useBeginning } from "./overview/begin";
import { go, useUnsaved } from "./router";
import { useSave, type Errors } from "./save";
import { KeyField, keyErrors, pairing, showOnce } from "./secrets";
import { ask } from "./session";
import { t } from "./texts";
import type { Account } from "./types";

/** The hint of every Webhook URL field: this server's own receiver is one that always works. */
export function WebhookHint() {
  return (
    <>
      {t.accounts.webhookHint} <code>{location.origin}/api/webhooks/chatgpt/</code>
    </>
  );
}

/** Makes an account. Its key is there before Save, so that it can be copied first. */
export function NewAccountPage() {
  const [email, setEmail] = useState("");
  const [webhook, setWebhook] = useState("");
  const [key, setKey] = useState(freshKey);
  const { form, busy, errors, save } = useSave(["email", "webhook_url", "key"]);
  const beginning = useBeginning();
  useUnsaved(!busy && (email !== "" || webhook !== ""));

  const submit = (event: Event) => {
    event.preventDefault();
    const wrong: Errors = {};
    const bad = keyErrors(key);
    if (bad) wrong.key = bad;
    void save(wrong, async () => {
      const { body } = await ask<{ account: Account; key: string; webhook_secret: string | null }>("/api/admin/accounts/", {
        method: "POST",
        body: { email: email.trim(), key: key.trim(), ...(webhook.trim() && { webhook_url: webhook.trim() }) },
      });
      const at = viewOf(body.account.id);
      // The first steps come to the pairing line by and by, with the extension.
      showOnce({ at, name: t.keys.field, secret: body.key, note: beginning ? t.keys.worksSteps : t.keys.worksFirst }, ...(beginning ? [] : [pairing(at, body.key)]));
      if (body.webhook_secret) showOnce({ at, name: t.keys.secret, secret: body.webhook_secret, note: t.keys.secretHint });
      announce(t.accounts.savedAccount);
      await go(`/admin/accounts/${body.account.id}/`, { saved: true, replace: true });
    });
  };

  return (
    <>
      <p class="crumb">
        <a href="/admin/accounts/">{t.accounts.list}</a>
      </p>
      <header class="view-head">
        <h1 tabIndex={-1}>{t.accounts.freshTitle}</h1>
      </header>
      <form class="form" ref={form} noValidate onSubmit={submit}>
        <Field label={t.accounts.email} hint={t.accounts.emailHint} errors={errors.email}>
          {(attributes) => <input {...attributes} type="email" autoComplete="off" required autofocus value={email} onInput={(event) => setEmail(event.currentTarget.value)} />}
        </Field>
        <Field label={t.accounts.webhook} hint={<WebhookHint />} errors={errors.webhook_url}>
          {(attributes) => <input {...attributes} type="url" autoComplete="off" spellcheck={false} value={webhook} onInput={(event) => setWebhook(event.currentTarget.value)} />}
        </Field>
        <KeyField value={key} onChange={setKey} errors={errors.key} />
        {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
        <div class="actions">
          <Button type="submit" kind="main">
            {busy ? t.accounts.saving : t.accounts.save}
          </Button>
          <Button onClick={() => go("/admin/accounts/")}>{s.cancel}</Button>
        </div>
      </form>
    </>
  );
}
