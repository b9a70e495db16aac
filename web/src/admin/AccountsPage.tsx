import { Icon } from "../shared/icons";
import { clock, exact } from "../shared/time";
import { Button, Loading, Notice } from "../shared/ui";
import { useLoad } from "./load";
import { go, place, withQuery } from "./router";
import { t } from "./texts";
import type { Account } from "./types";

/** From so many accounts on they can be searched. */
const SEARCH_FROM = 10;

/** All accounts. What is searched for stands in the URL. */
export function AccountsPage() {
  const { data, error, reload } = useLoad<Account[]>("/api/admin/accounts/");
  const wanted = new URLSearchParams(place.value.split("?")[1] ?? "").get("q") ?? "";
  const all = data?.body ?? [];
  const found = all.filter((account) => `${account.email} ${account.webhook_url ?? ""}`.toLowerCase().includes(wanted.trim().toLowerCase()));
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>{t.accounts.list}</h1>
        <Button icon="plus" kind="main" onClick={() => go("/admin/accounts/new/")}>
          {t.accounts.fresh}
        </Button>
      </header>
      {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.accounts.failedAll(error)}</Notice>}
      {!data && !error && <Loading>{t.accounts.loadingAll}</Loading>}
      {data && all.length === 0 && (
        <div class="empty">
          <p>{t.accounts.none}</p>
        </div>
      )}
      {(all.length >= SEARCH_FROM || wanted !== "") && (
        <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
          <label class="wide">
            <span>{t.accounts.find}</span>
            <input type="search" placeholder={t.accounts.findHint} value={wanted} onInput={(event) => go(withQuery("/admin/accounts/", { q: event.currentTarget.value }), { replace: true })} />
          </label>
        </form>
      )}
      {all.length > 0 && found.length === 0 && (
        <div class="empty">
          <p>{t.accounts.noMatch}</p>
          <Button onClick={() => go("/admin/accounts/")}>{t.accounts.clear}</Button>
        </div>
      )}
      {found.length > 0 && <Table accounts={found} />}
    </>
  );
}

function Table({ accounts }: { accounts: Account[] }) {
  return (
    <table class="rows accounts">
      <thead>
        <tr>
          <th>{t.accounts.email}</th>
          <th>{t.accounts.webhook}</th>
          <th>{t.accounts.active}</th>
          <th class="number">{t.accounts.keys}</th>
          <th>{t.accounts.created}</th>
        </tr>
      </thead>
      <tbody>
        {accounts.map((account) => (
          <tr key={account.id}>
            <td class="first">
              <a href={`/admin/accounts/${account.id}/`}>{account.email}</a>
            </td>
            <td class="cut" title={account.webhook_url ?? undefined}>
              {account.webhook_url || <span class="meta">{t.accounts.noWebhook}</span>}
            </td>
            <td>
              <ActiveMark active={account.active} />
            </td>
            <td class="number" data-label={t.accounts.keys}>
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
      {active ? t.accounts.active : t.accounts.disabled}
    </span>
  );
}
