import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { clock, exact, zoneName } from "../shared/time";
import { accountName, accounts, readAccounts } from "./accounts";
import { actionWords, actorWords, detailLine, detailWords, targetHref, targetWords, type AuditEntry } from "./audit";
import type { Filter } from "./list/filters";
import { ListPage } from "./list/ListPage";
import type { Column } from "./list/Row";
import { Cut } from "./parts";
import { t } from "./texts";

/** Who changed what, newest first. */
export function AuditPage({ query }: { query: URLSearchParams }) {
  useEffect(() => void readAccounts(), []);
  const filters: Filter[] = [
    { kind: "account", name: "account" },
    { kind: "choice", name: "action", label: t.audit.action, options: Object.entries(t.audit.actions).map(([value, words]) => ({ value, words })) },
    { kind: "time" },
  ];
  const columns: Column<AuditEntry>[] = [
    { head: t.audit.time, cell: (entry) => <Time at={entry.at} />, width: 108, narrow: "firstEnd" },
    { head: t.audit.what, cell: (entry) => <Cut text={actionWords(entry.action)} />, opens: true, width: 184, narrow: "first" },
    { head: t.audit.who, cell: (entry) => <span dir="auto">{actorWords(entry.actor)}</span>, width: 136, narrow: "secondEnd" },
    { head: t.audit.target, cell: (entry) => <Which entry={entry} />, share: 1.4, narrow: "second" },
    { head: t.audit.detail, cell: (entry) => <span dir="auto" title={detailLine(entry.detail)}>{detailLine(entry.detail)}</span>, share: 1.8, spare: true },
    { head: t.audit.from, cell: (entry) => entry.address ?? "", width: 136, spare: "first" },
  ];
  return (
    <ListPage<AuditEntry>
      title={t.audit.title}
      base="/admin/audit/"
      api="/api/admin/audit/"
      query={query}
      filters={filters}
      columns={columns}
      id={(entry) => String(entry.id)}
      name={(entry) => `${actionWords(entry.action)}, ${clock(entry.at)}`}
      loading={t.audit.loading}
      failed={t.audit.failed}
      empty={<p>{t.audit.none}</p>}
      drawer={{ label: t.audit.entry, content: (_, entry) => <Entry entry={entry} /> }}
    />
  );
}

function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exact(at)}>
      {clock(at)}
    </time>
  );
}

/** What was changed: the account, and what of it. */
function Which({ entry }: { entry: AuditEntry }) {
  // The names of accounts come after the rows.
  void accounts.value;
  const words = [entry.account !== null && accountName(entry.account), entry.target && targetWords(entry.target)].filter(Boolean).join(" · ");
  return (
    <span dir="auto" title={words}>
      {words}
    </span>
  );
}

function Entry({ entry }: { entry: AuditEntry | undefined }) {
  if (!entry) return <p class="drawer-body">{t.audit.notLoaded}</p>;
  const known = detailWords(entry.detail);
  const href = targetHref(entry);
  return (
    <div class="drawer-body">
      <section>
        <h3>{actionWords(entry.action)}</h3>
        <dl>
          <Fact name={t.audit.time}>
            <time dateTime={entry.at}>{exact(entry.at)}</time> ({zoneName()})
          </Fact>
          <Fact name={t.audit.who}>
            <span dir="auto">{actorWords(entry.actor)}</span>
          </Fact>
          <Fact name={t.audit.from}>{entry.address ?? t.audit.fromNowhere}</Fact>
          {entry.account !== null && (
            <Fact name={t.audit.account}>
              <a href={`/admin/accounts/${entry.account}/`}>{accountName(entry.account)}</a>
            </Fact>
          )}
          {entry.target && (
            <Fact name={t.audit.target}>
              {href ? <a href={href}>{targetWords(entry.target)}</a> : <span dir="auto">{targetWords(entry.target)}</span>}
            </Fact>
          )}
          <Fact name={t.audit.code}>
            <code>{entry.action}</code>
          </Fact>
        </dl>
      </section>
      <section>
        <h3>{t.audit.detail}</h3>
        {known.length === 0 && <p class="meta">{t.audit.noDetail}</p>}
        <dl>
          {known.map(([name, value]) => (
            <Fact key={name} name={name}>
              <span dir="auto">{value}</span>
            </Fact>
          ))}
        </dl>
      </section>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
