import { Announcer } from "../shared/announce";
import { Questions } from "../shared/dialog";
import { Button, Loading, Notice } from "../shared/ui";
import { Frame } from "./Frame";
import { LogIn } from "./LogIn";
import { place } from "./router";
import { lookUp, session } from "./session";
import { SetupPage } from "./SetupPage";
import { t } from "./texts";
import { useTitle } from "./title";

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
  useTitle(now.state === "in" ? null : t.frame.logIn);
  if (now.state === "in") return <Frame url={url} />;
  return (
    <main class="centre">
      {now.state === "loading" && <Loading>{t.frame.loading}</Loading>}
      {now.state === "failed" && <Notice actions={<Button onClick={lookUp}>{t.frame.tryAgain}</Button>}>{now.error}</Notice>}
      {now.state === "out" && <LogIn title={t.frame.name} />}
      {now.state === "setup" && (
        <section class="sign-in">
          <h1>{t.frame.noPassword}</h1>
          <p>{t.frame.setUpBy}</p>
          <pre>chatbridge admin link</pre>
          <div class="actions">
            <Button onClick={lookUp}>{t.frame.lookAgain}</Button>
          </div>
        </section>
      )}
    </main>
  );
}
