import { useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ApiError, sentence } from "../shared/api";
import { ask as question } from "../shared/dialog";
import { clock, zone } from "../shared/time";
import { Button, Field, Loading, Notice } from "../shared/ui";
import { ActiveMark } from "./AccountsPage";
import { KeysSection } from "./KeysSection";
import { useLoad } from "./load";
import { WEBHOOK_HINT } from "./NewAccountPage";
import { useUnsaved } from "./router";
import { showOnce, ShownOnce } from "./secrets";
import { ask } from "./session";
import type { Account } from "./types";

/** One account: its address, its keys, its webhook secret, whether it works. */
export function AccountPage({ id }: { id: string }) {
  const path = `/api/admin/accounts/${encodeURIComponent(id)}/`;
  const { data, error, reload } = useLoad<Account | { account: Account }>(path);
  const account = data && ("account" in data.body ? data.body.account : data.body);
  return (
    <>
      <p class="crumb">
        <a href="/admin/accounts/">GPT Accounts</a>
      </p>
      {error && <Notice actions={<Button onClick={reload}>Try again</Button>}>The account could not be loaded. {error}</Notice>}
      {!account && !error && <Loading>Loading the account</Loading>}
      {account && (
        <>
          <header class="view-head">
            <h1 tabIndex={-1}>{account.email}</h1>
            <Switch account={account} path={path} reload={reload} />
          </header>
          <ShownOnce account={id} />
          <div class="sections">
            <AccountForm account={account} path={path} reload={reload} />
            <KeysSection account={id} path={path} />
            {account.webhook_url && <SecretSection account={account} path={path} reload={reload} />}
            <section>
              <h2>Requests</h2>
              <p>
                <a href={`/admin/requests/?account=${encodeURIComponent(id)}`}>Requests of this account</a>
              </p>
            </section>
          </div>
        </>
      )}
    </>
  );
}

interface PartProps {
  account: Account;
  path: string;
  reload: () => Promise<void>;
}

/** What the server says after a change: a first webhook URL brings its secret. */
interface Changed {
  account: Account;
  webhook_secret: string | null;
}

function AccountForm({ account, path, reload }: PartProps) {
  const [email, setEmail] = useState(account.email);
  const [webhook, setWebhook] = useState(account.webhook_url ?? "");
  const [busy, setBusy] = useState(false);
  const [saved, setSaved] = useState(false);
  const [errors, setErrors] = useState<Record<string, string[]>>({});
  const dirty = email.trim() !== account.email || webhook.trim() !== (account.webhook_url ?? "");
  useUnsaved(dirty);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setErrors({});
    try {
      const { body } = await ask<Changed>(path, { method: "PATCH", body: { email: email.trim(), webhook_url: webhook.trim() } });
      if (body.webhook_secret) showOnce({ account: String(account.id), words: "Webhook secret", secret: body.webhook_secret, note: "It verifies that a webhook came from this server." });
      setSaved(true);
      announce("Saved");
      await reload();
    } catch (failure) {
      setErrors(failure instanceof ApiError && Object.keys(failure.fields).length > 0 ? failure.fields : { form: [sentence(failure)] });
      announce(sentence(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form class="form" onSubmit={submit} onInput={() => setSaved(false)}>
      <Field label="Email" errors={errors.email}>
        {(attributes) => <input {...attributes} type="email" autoComplete="off" required value={email} onInput={(event) => setEmail(event.currentTarget.value)} />}
      </Field>
      <Field label="Webhook URL" hint={WEBHOOK_HINT} errors={errors.webhook_url}>
        {(attributes) => <input {...attributes} type="url" autoComplete="off" spellcheck={false} value={webhook} onInput={(event) => setWebhook(event.currentTarget.value)} />}
      </Field>
      {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
      <div class="actions">
        <Button type="submit" kind="main" disabled={busy || !dirty}>
          {busy ? "Saving" : "Save"}
        </Button>
        {saved && !dirty && <span class="mark ok">Saved</span>}
      </div>
    </form>
  );
}

/** Disables an account, or enables it again. */
function Switch({ account, path, reload }: PartProps) {
  const [error, setError] = useState<string | null>(null);
  const turn = async () => {
    setError(null);
    if (account.active && !(await question(`Disable ${account.email}? Its keys stop working and its streams close at once. It can be enabled again.`, "Disable"))) return;
    try {
      await ask<Changed>(path, { method: "PATCH", body: { active: !account.active } });
      announce(account.active ? "Disabled" : "Enabled");
      await reload();
    } catch (failure) {
      setError(sentence(failure));
      announce(sentence(failure));
    }
  };
  return (
    <div class="actions">
      <ActiveMark active={account.active} />
      <Button icon="power" onClick={turn}>
        {account.active ? "Disable" : "Enable"}
      </Button>
      {error && <p class="error">{error}</p>}
    </div>
  );
}

/** The secret that signs the account's webhooks. */
function SecretSection({ account, path, reload }: PartProps) {
  const [error, setError] = useState<string | null>(null);
  const rotate = async () => {
    setError(null);
    if (!(await question("Make a new webhook secret? The one of now stays valid for 24 hours, so that the receiver can be changed meanwhile.", "Rotate"))) return;
    try {
      const { body } = await ask<{ webhook_secret: string; previous_valid_until: string | null }>(path + "secret/rotate/", { method: "POST" });
      const until = body.previous_valid_until ? ` The one before is valid until ${clock(body.previous_valid_until)} (${zone}).` : "";
      showOnce({ account: String(account.id), words: "Webhook secret", secret: body.webhook_secret, note: "Webhooks are signed with it from now on." + until });
      announce("New webhook secret");
      scrollTo(0, 0);
      await reload();
    } catch (failure) {
      setError(sentence(failure));
      announce(sentence(failure));
    }
  };
  const until = account.webhook_secret_previous_until;
  return (
    <section>
      <h2>Webhook secret</h2>
      <p>It verifies that a webhook came from this server. It is shown when it is made, and not again.</p>
      {until && Date.parse(until) > Date.now() && (
        <p>
          The one before is valid until {clock(until)} ({zone}).
        </p>
      )}
      {error && <Notice>{error}</Notice>}
      <div class="actions">
        <Button icon="again" onClick={rotate}>
          Rotate
        </Button>
      </div>
    </section>
  );
}
