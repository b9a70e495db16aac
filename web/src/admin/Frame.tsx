import { useEffect, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { announce } from "../shared/announce";
import { sentence } from "../shared/api";
import { Dialog } from "../shared/dialog";
import { Icon, type IconName } from "../shared/icons";
import { clock, counting, now, tick } from "../shared/time";
import { Button, Notice } from "../shared/ui";
import { AccountPage } from "./AccountPage";
import { AccountsPage } from "./AccountsPage";
import { AuditPage } from "./AuditPage";
import { connection, lastAnswer, tryNow } from "./connection";
import { DeliveriesPage } from "./deliveries/DeliveriesPage";
import { usePoll } from "./load";
import { LogIn } from "./LogIn";
import { NewAccountPage } from "./NewAccountPage";
import { OverviewPage } from "./overview/OverviewPage";
import { PacksPage } from "./PacksPage";
import { RequestsPage } from "./requests/RequestsPage";
import { slim } from "./room";
import { ask, ended, logOut } from "./session";
import { SettingsPage } from "./SettingsPage";
import { t } from "./texts";
import { useTitle } from "./title";
import { WorkersPage } from "./WorkersPage";

type ViewName = keyof typeof t.frame.views;

/** The views, in the order of the navigation: each with its place, its icon, and what it draws at an address below that place. */
const VIEWS: { name: ViewName; href: string; icon: IconName; draw: (url: URL, below: string[]) => ComponentChildren }[] = [
  { name: "overview", href: "/admin/", icon: "chart", draw: (_, [more]) => (more === undefined ? <OverviewPage /> : <NoPage />) },
  { name: "accounts", href: "/admin/accounts/", icon: "users", draw: (_, [id]) => (id === undefined ? <AccountsPage /> : id === "new" ? <NewAccountPage /> : <AccountPage key={id} id={id} />) },
  { name: "requests", href: "/admin/requests/", icon: "list", draw: (url) => <RequestsPage query={url.searchParams} /> },
  { name: "workers", href: "/admin/workers/", icon: "browser", draw: (url) => <WorkersPage query={url.searchParams} /> },
  { name: "deliveries", href: "/admin/deliveries/", icon: "webhook", draw: (url) => <DeliveriesPage query={url.searchParams} /> },
  { name: "packs", href: "/admin/packs/", icon: "pack", draw: () => <PacksPage /> },
  { name: "audit", href: "/admin/audit/", icon: "audit", draw: (url) => <AuditPage query={url.searchParams} /> },
  { name: "settings", href: "/admin/settings/", icon: "settings", draw: () => <SettingsPage /> },
];

/** The panel around its views: navigation, how the connection is, the log-in over the page when the session has ended. */
export function Frame({ url }: { url: URL }) {
  const [, first, ...below] = url.pathname.split("/").filter(Boolean);
  const view = first === undefined ? VIEWS[0]! : VIEWS.find(({ name }) => name === first && name !== "overview");
  useTitle(view ? t.frame.views[view.name] : t.frame.noPage);
  return (
    <>
      <a class="skip" href="#view">
        {t.frame.skip}
      </a>
      <div class="panel">
        <Navigation here={view?.name} path={url.pathname} />
        <main id="view" class="view" tabIndex={-1}>
          {view ? view.draw(url, below) : <NoPage />}
          <Connection />
        </main>
      </div>
      {ended.value && (
        <Dialog label={t.frame.logInAgain} class="bare">
          <LogIn title={t.frame.logInAgain} reason={t.frame.ended} />
        </Dialog>
      )}
    </>
  );
}

function NoPage() {
  return (
    <>
      <h1 tabIndex={-1}>{t.frame.noPage}</h1>
      <p class="empty">
        <a href="/admin/">{t.frame.views.overview}</a>
      </p>
    </>
  );
}

function Navigation({ here, path }: { here: ViewName | undefined; path: string }) {
  const [open, setOpen] = useState(false);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => setOpen(false), [path]);
  const leave = async () => {
    setError(null);
    try {
      await logOut();
    } catch (failure) {
      setError(sentence(failure));
      announce(sentence(failure));
    }
  };
  return (
    <header class={"panel-nav" + (open ? " open" : "")}>
      <a class="brand" href="/admin/">
        chatbridge
      </a>
      {slim.value && (
        <>
          <span class="nav-here">{here && t.frame.views[here]}</span>
          <button type="button" class="button quiet" aria-expanded={open} aria-controls="panel-views" onClick={() => setOpen(!open)}>
            <Icon name={open ? "close" : "menu"} />
            {t.frame.menu}
          </button>
        </>
      )}
      <div id="panel-views" class="nav-body" hidden={slim.value && !open}>
        <nav aria-label={t.frame.nav}>
          <ul>
            {VIEWS.map(({ name, href, icon }) => (
              <li key={name}>
                <a href={href} aria-current={name === here ? "page" : undefined}>
                  <Icon name={icon} />
                  {t.frame.views[name]}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="nav-foot">
          <a href="/">{t.frame.chatPage}</a>
          <Button icon="logout" kind="quiet" onClick={leave}>
            <span class="nav-word">{t.frame.logOut}</span>
          </Button>
          {error && <p class="error">{error}</p>}
        </div>
      </div>
    </header>
  );
}

/** How often it is tried whether the server is back, in milliseconds; after each failure the wait is twice as long. */
const TRY_EVERY = 2_000;

/** Says that the network or the server is away, for as long as it is. */
function Connection() {
  const how = connection.value;
  usePoll(() => ask("/api/admin/session/").then(() => undefined, () => undefined), how.state !== "ok", TRY_EVERY);
  useEffect(() => (how.state === "lost" ? tick() : undefined), [how.state]);
  const words = how.state === "offline" ? t.frame.offline(clock(new Date(lastAnswer.value).toISOString())) : how.state === "lost" ? (how.nextTry > now.value ? t.frame.unreachable(counting(how.nextTry - now.value)) : t.frame.trying) : null;
  useEffect(() => {
    if (words) announce(words);
  }, [how.state]);
  if (!words) return null;
  return (
    <div class="connection">
      <Notice tone="warn" actions={how.state === "lost" && <Button onClick={tryNow}>{t.frame.now}</Button>}>
        {words}
      </Notice>
    </div>
  );
}
