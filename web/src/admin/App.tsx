import { useSignalEffect } from "@preact/signals";
import { useState } from "preact/hooks";
import { Announcer } from "../shared/announce";
import { sentence } from "../shared/api";
import { Dialog, Questions } from "../shared/dialog";
import { Icon, type IconName } from "../shared/icons";
import { Button, Loading, Notice, ThemeChoice } from "../shared/ui";
import { AccountPage } from "./AccountPage";
import { AccountsPage } from "./AccountsPage";
import { LogIn } from "./LogIn";
import { NewAccountPage } from "./NewAccountPage";
import { RequestsPage } from "./RequestsPage";
import { go, place } from "./router";
import { ended, logOut, lookUp, session } from "./session";
import { SetupPage } from "./SetupPage";

/** The admin panel. */
export function App() {
  const url = new URL(place.value, location.origin);
  return (
    <>
      {url.pathname.startsWith("/admin/setup") ? <SetupPage token={url.searchParams.get("token") ?? ""} /> : <Gate url={url} />}
      <Questions />
      <Announcer />
    </>
  );
}

/** Lets nobody in without a session, and says what to do instead. */
function Gate({ url }: { url: URL }) {
  const now = session.value;
  switch (now.state) {
    case "in":
      return <Panel url={url} />;
    case "loading":
      return (
        <main class="centre">
          <Loading>Loading</Loading>
        </main>
      );
    case "failed":
      return (
        <main class="centre">
          <Notice actions={<Button onClick={lookUp}>Try again</Button>}>{now.error}</Notice>
        </main>
      );
    case "out":
      return (
        <main class="centre">
          <LogIn title="chatbridge admin" />
        </main>
      );
    case "setup":
      return (
        <main class="centre">
          <section class="sign-in">
            <h1>No password is set yet</h1>
            <p>The server printed a one-time link when it started: open that link to choose a password. A fresh link is printed by</p>
            <pre>chatbridge admin link</pre>
            <div class="actions">
              <Button onClick={lookUp}>Look again</Button>
            </div>
          </section>
        </main>
      );
  }
}

const VIEWS: { href: string; words: string; icon: IconName }[] = [
  { href: "/admin/accounts/", words: "GPT Accounts", icon: "users" },
  { href: "/admin/requests/", words: "Requests", icon: "list" },
];

function Panel({ url }: { url: URL }) {
  const [error, setError] = useState<string | null>(null);
  useSignalEffect(() => {
    document.title = (place.value.startsWith("/admin/requests") ? "Requests" : "GPT Accounts") + " · chatbridge admin";
  });
  const leave = async () => {
    try {
      await logOut();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  return (
    <>
      <a class="skip" href="#view">
        Skip to the content
      </a>
      <div class="panel">
        <nav class="panel-nav" aria-label="Panel">
          <a class="brand" href="/admin/">
            chatbridge
          </a>
          <ul>
            {VIEWS.map(({ href, words, icon }) => (
              <li key={href}>
                <a href={href} aria-current={url.pathname.startsWith(href) || (url.pathname === "/admin/" && href === "/admin/accounts/") ? "page" : undefined}>
                  <Icon name={icon} />
                  {words}
                </a>
              </li>
            ))}
          </ul>
          <div class="nav-foot">
            <a href="/">Chat page</a>
            <ThemeChoice />
            <Button icon="logout" kind="quiet" onClick={leave}>
              Log out
            </Button>
            {error && <p class="error">{error}</p>}
          </div>
        </nav>
        <main id="view" class="view" tabIndex={-1}>
          <View url={url} />
        </main>
      </div>
      {ended.value && (
        <Dialog label="Log in again" class="bare">
          <LogIn title="Log in again" reason="The session has ended. What you wrote is kept." />
        </Dialog>
      )}
    </>
  );
}

function View({ url }: { url: URL }) {
  const [view = "accounts", id] = url.pathname.split("/").slice(2).filter(Boolean);
  if (view === "requests") return <RequestsPage query={url.searchParams} />;
  if (view === "accounts" && id === undefined) return <AccountsPage />;
  if (view === "accounts" && id === "new") return <NewAccountPage />;
  if (view === "accounts" && id) return <AccountPage key={id} id={id} />;
  return (
    <>
      <h1 tabIndex={-1}>There is no such page</h1>
      <p class="empty">
        <Button onClick={() => go("/admin/accounts/")}>GPT Accounts</Button>
      </p>
    </>
  );
}
