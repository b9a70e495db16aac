import { Icon } from "../shared/icons";
import { clock, exact } from "../shared/time";
import { Button, Loading, Notice } from "../shared/ui";
import { useLoad } from "./load";
import { go } from "./router";
import type { Account } from "./types";

/** All accounts. */
export function AccountsPage() {
  const { data, error, reload } = useLoad<Account[]>("/api/admin/accounts/?limit=500");
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>GPT Accounts</h1>
        <Button icon="plus" kind="main" onClick={() => go("/admin/accounts/new/")}>
          New account
        </Button>
      </header>
      {error && <Notice actions={<Button onClick={reload}>Try again</Button>}>The accounts could not be loaded. {error}</Notice>}
      {!data && !error && <Loading>Loading accounts</Loading>}
      {data && data.body.length === 0 && (
        <div class="empty">
          <p>No accounts yet. An account has an email address as its name, API keys for clients and for the browser that answers, and a webhook URL.</p>
        </div>
      )}
      {data && data.body.length > 0 && <Table accounts={data.body} />}
    </>
  );
}

function Table({ accounts }: { accounts: Account[] }) {
  return (
    <table class="rows accounts">
      <thead>
        <tr>
          <th>Email</th>
          <th>Webhook URL</th>
          <th>Active</th>
          <th class="number">Keys</th>
          <th>Created</th>
        </tr>
      </thead>
      <tbody>
        {accounts.map((account) => (
          <tr key={account.id}>
            <td class="first">
              <a href={`/admin/accounts/${account.id}/`}>{account.email}</a>
            </td>
            <td class="cut">{account.webhook_url || <span class="meta">none</span>}</td>
            <td>
              <ActiveMark active={account.active} />
            </td>
            <td class="number" data-label="Keys">
              {account.key_count}
            </td>
            <td class="meta">
              <time dateTime={account.created_at} title={exact(account.created_at)}>
                {clock(account.created_at)}
              </time>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Whether an account works, as icon, word and colour. */
export function ActiveMark({ active }: { active: boolean }) {
  return (
    <span class={"mark " + (active ? "ok" : "warn")}>
      <Icon name={active ? "done" : "power"} />
      {active ? "Active" : "Disabled"}
    </span>
  );
}
