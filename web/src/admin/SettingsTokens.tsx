import { useRef, useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { ask as question } from "../shared/dialog";
import { s } from "../shared/texts";
import { clock, exact } from "../shared/time";
import { Button, Field, Loading, Notice } from "../shared/ui";
import { useLoad } from "./load";
import { useUnsaved } from "./router";
import { focusSection, useAct, useSave, type Errors } from "./save";
import { showOnce } from "./secrets";
import { ask } from "./session";
import { t } from "./texts";

/** An admin token, without the token. */
interface Token {
  id: string;
  name: string;
  created_at: string;
}

const PATH = "/api/admin/tokens/";

/** The tokens that scripts use. `at` is the view in which a new one is shown. */
export function SettingsTokens({ at }: { at: string }) {
  const { data, error, reload } = useLoad<Token[]>(PATH);
  const [making, setMaking] = useState(false);
  const { error: failure, act } = useAct();
  const section = useRef<HTMLElement>(null);
  const revoke = async (token: Token) => {
    if (!(await question(t.settings.revokeAsk(token.name), t.settings.revoke))) return;
    await act(async () => {
      await ask(`${PATH}${encodeURIComponent(token.id)}/`, { method: "DELETE" });
      announce(t.settings.revoked);
      focusSection(section.current);
      await reload();
    });
  };
  const close = () => {
    setMaking(false);
    focusSection(section.current);
  };

  return (
    <section ref={section}>
      <h2 tabIndex={-1}>{t.settings.tokens}</h2>
      <p>{t.settings.tokensHint}</p>
      {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.settings.tokensFailed(error)}</Notice>}
      {failure && <Notice>{failure}</Notice>}
      {!data && !error && <Loading>{t.settings.tokensLoading}</Loading>}
      {data?.body.length === 0 && <p class="empty">{t.settings.tokensNone}</p>}
      {data && data.body.length > 0 && <Table tokens={data.body} revoke={revoke} />}
      {making ? (
        <NewToken at={at} close={close} reload={reload} />
      ) : (
        <div class="actions">
          <Button icon="plus" onClick={() => setMaking(true)}>
            {t.settings.tokenFresh}
          </Button>
        </div>
      )}
    </section>
  );
}

function Table({ tokens, revoke }: { tokens: Token[]; revoke: (token: Token) => void }) {
  return (
    <table class="rows tokens">
      <thead>
        <tr>
          <th>{t.settings.tokenName}</th>
          <th>{t.settings.created}</th>
          <th>
            <span class="offscreen">{t.settings.actions}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.id}>
            <td class="first" dir="auto">
              {token.name}
            </td>
            <td class="meta">
              <time dateTime={token.created_at} title={exact(token.created_at)}>
                {clock(token.created_at)}
              </time>
            </td>
            <td class="number">
              <Button kind="quiet" label={t.settings.revokeNamed(token.name)} onClick={() => revoke(token)}>
                {t.settings.revoke}
              </Button>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NewToken({ at, close, reload }: { at: string; close: () => void; reload: () => Promise<void> }) {
  const [name, setName] = useState("");
  const { form, busy, errors, save } = useSave(["name"]);
  useUnsaved(name !== "" && !busy);
  const submit = (event: Event) => {
    event.preventDefault();
    const wrong: Errors = name.trim() === "" ? { name: [t.settings.tokenNameless] } : {};
    void save(wrong, async () => {
      const { body } = await ask<Token & { token: string }>(PATH, { method: "POST", body: { name: name.trim() } });
      showOnce({ at, name: `${t.settings.token} ${body.name}`, secret: body.token, note: t.settings.tokenNote });
      announce(t.settings.tokenMade);
      close();
      await reload();
    });
  };
  return (
    <form class="form card" ref={form} noValidate aria-label={t.settings.tokenFresh} onSubmit={submit}>
      <Field label={t.settings.tokenName} hint={t.settings.tokenNameHint} errors={errors.name}>
        {(attributes) => <input {...attributes} dir="auto" autoComplete="off" autofocus value={name} onInput={(event) => setName(event.currentTarget.value)} />}
      </Field>
      {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
      <div class="actions">
        <Button type="submit" kind="main">
          {busy ? t.settings.tokenMaking : t.settings.tokenMake}
        </Button>
        <Button onClick={close}>{s.cancel}</Button>
      </div>
    </form>
  );
}
