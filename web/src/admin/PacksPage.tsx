import { useRef } from "preact/hooks";
import { Icon } from "../shared/icons";
import { Button, CopyButton, Loading, Notice } from "../shared/ui";
import { useLoad } from "./load";
import { packOf, type Pack } from "./pack";
import { PacksPublish } from "./PacksPublish";
import { t } from "./texts";

/** What GET /api/admin/pack/ says; all null where none was published. */
interface Published {
  version: number | null;
  signed: boolean;
  pack: unknown;
}

/** The selector pack that is published, and a new one. */
export function PacksPage() {
  const { data, error, reload } = useLoad<Published>("/api/admin/pack/");
  const pack = data && packOf(data.body.pack);
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>{t.packs.title}</h1>
      </header>
      <div class="sections">
        <section>
          <p>{t.packs.about}</p>
        </section>
        <section>
          <h2>{t.packs.published}</h2>
          {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.packs.failed(error)}</Notice>}
          {!data && !error && <Loading>{t.packs.loading}</Loading>}
          {data && !pack && <p class="empty">{t.packs.none}</p>}
          {pack && <Facts pack={pack} />}
        </section>
        {data && <PacksPublish published={pack ? pack.version : null} reload={reload} />}
        <Signing />
      </div>
    </>
  );
}

function Facts({ pack }: { pack: Pack }) {
  const text = JSON.stringify(pack.json, null, 2);
  const shown = useRef<HTMLPreElement>(null);
  return (
    <>
      <dl>
        <div>
          <dt>{t.packs.version}</dt>
          <dd>
            <code>{pack.version}</code>
          </dd>
        </div>
        <div>
          <dt>{t.packs.hooks}</dt>
          <dd>{pack.hooks}</dd>
        </div>
        {pack.note && (
          <div>
            <dt>{t.packs.note}</dt>
            <dd dir="auto">{pack.note}</dd>
          </div>
        )}
        <div>
          <dt>{t.packs.signature}</dt>
          <dd>
            <SignedMark signed={pack.signed} />
            <p>{pack.signed ? t.packs.signedMeans : t.packs.unsignedMeans}</p>
          </dd>
        </div>
      </dl>
      <div class="part-head">
        <h3>{t.packs.json}</h3>
        <CopyButton kind="quiet" text={text} shown={() => shown.current} label={t.packs.copyJson} />
      </div>
      <pre class="long-text" ref={shown} tabIndex={0} aria-label={t.packs.json}>
        {text}
      </pre>
    </>
  );
}

/** Whether a pack carries a signature, as icon, word and colour. */
export function SignedMark({ signed }: { signed: boolean }) {
  return (
    <span class={"mark " + (signed ? "ok" : "warn")}>
      <Icon name={signed ? "done" : "warning"} />
      {signed ? t.packs.signed : t.packs.unsigned}
    </span>
  );
}

const COMMANDS = `openssl genpkey -algorithm ed25519 -out pack.key
chatbridge pack sign pack.json --key pack.key
chatbridge pack check pack.json`;

function Signing() {
  const shown = useRef<HTMLPreElement>(null);
  return (
    <section>
      <h2>{t.packs.signing}</h2>
      <p>{t.packs.signingHint}</p>
      <pre class="long-text" ref={shown} tabIndex={0}>
        {COMMANDS}
      </pre>
      <CopyButton text={COMMANDS} shown={() => shown.current} label={t.packs.copyLines} />
    </section>
  );
}
