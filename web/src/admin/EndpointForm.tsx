import { useId, useState } from "preact/hooks";
import { announce } from "../shared/announce";
import { Icon } from "../shared/icons";
import { language } from "../shared/language";
import { s } from "../shared/texts";
import { Button, Field, Notice } from "../shared/ui";
import { Choices } from "./Choices";
import { changed, headersOf, newRow, rowsOf, wrongRows, type HeaderRow } from "./headers";
import { useTest } from "./EndpointTest";
import { useUnsaved } from "./router";
import { useSave, type Errors } from "./save";
import { t } from "./texts";
import type { Endpoint, EndpointEvent } from "./types";

/** What the form sends; at a change only what differs. */
export interface EndpointFields {
  url?: string;
  events?: EndpointEvent[];
  headers?: Record<string, string>;
  rate_limit?: number;
  enabled?: boolean;
}

const EVENTS: EndpointEvent[] = ["request.done", "request.failed"];

/** The highest limit of tries a minute that the server takes. */
const MOST_TRIES = 60_000;

/** More headers than an endpoint may have are not asked for. */
const MOST_HEADERS = 20;

interface FormProps {
  /** What is stored; null for a new endpoint. */
  endpoint: Endpoint | null;
  /** Its address in the API, if it is stored. */
  path: string | undefined;
  /** Stores it; null where the view is left then. */
  save: (fields: EndpointFields) => Promise<Endpoint | null>;
  cancel?: () => void;
}

/** Writes an endpoint's URL, filter, headers and limit. Its changes are kept until saved: leaving asks. */
export function EndpointForm({ endpoint: first, path, save: send, cancel }: FormProps) {
  // What others change meanwhile does not overwrite what is being written.
  const [endpoint, setEndpoint] = useState(first);
  const [url, setUrl] = useState(endpoint?.url ?? "");
  const [events, setEvents] = useState<EndpointEvent[]>(endpoint && endpoint.events.length > 0 ? endpoint.events : EVENTS);
  const [rows, setRows] = useState<HeaderRow[]>(() => rowsOf(endpoint?.headers ?? {}));
  const [rate, setRate] = useState(endpoint?.rate_limit ? String(endpoint.rate_limit) : "");
  const [enabled, setEnabled] = useState(true);
  const [saved, setSaved] = useState(false);
  const { form, busy, errors, save } = useSave(["url", "events", "headers", "rate_limit"]);

  const most = MOST_TRIES.toLocaleString(language);
  const fields = differences(endpoint, { url: url.trim(), events: events.length === EVENTS.length ? [] : events, rate_limit: Number(rate || 0) });
  if (!enabled) fields.enabled = false;
  if (changed(rows, endpoint?.headers ?? {})) fields.headers = headersOf(rows);
  const dirty = Object.keys(fields).length > 0;
  useUnsaved(dirty && !busy);
  const test = useTest(path, "url" in fields || "headers" in fields);

  const submit = (event: Event) => {
    event.preventDefault();
    const wrong: Errors = {};
    if (events.length === 0) wrong.events = [t.endpoints.chooseEvent];
    const headers = [...wrongRows(rows).values()];
    if (headers.length > 0) wrong.headers = headers;
    if (!/^\d{0,5}$/.test(rate) || Number(rate) > MOST_TRIES) wrong.rate_limit = [t.endpoints.rateWrong(most)];
    if (endpoint && !dirty) return;
    void save(wrong, async () => {
      const stored = await send(fields);
      if (!stored) return;
      setEndpoint(stored);
      setRows(rowsOf(stored.headers));
      setSaved(true);
      announce(t.accounts.saved);
    });
  };

  return (
    <form class="form" ref={form} noValidate onSubmit={submit} onInput={() => setSaved(false)}>
      <Field label={t.endpoints.url} hint={t.endpoints.urlHint} errors={errors.url}>
        {(attributes) => (
          <div class="with-button">
            <input {...attributes} type="url" required autoComplete="off" spellcheck={false} autofocus={!endpoint} value={url} onInput={(event) => setUrl(event.currentTarget.value)} />
            {test.button}
          </div>
        )}
      </Field>
      {test.result}
      <Choices legend={t.endpoints.events} options={t.endpoints.eventWords} chosen={events} choose={setEvents} errors={errors.events} />
      <Headers rows={rows} change={setRows} errors={errors.headers} />
      <Field label={t.endpoints.rate} hint={t.endpoints.rateHint(most)} errors={errors.rate_limit}>
        {(attributes) => <input {...attributes} class="short" inputMode="numeric" autoComplete="off" value={rate} onInput={(event) => setRate(event.currentTarget.value.trim())} />}
      </Field>
      {!endpoint && (
        <div class="field">
          <label class="check">
            <input type="checkbox" checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} />
            {t.endpoints.on}
          </label>
          <p class="hint">{t.endpoints.onHint}</p>
        </div>
      )}
      {errors.form && <Notice>{errors.form.join(" ")}</Notice>}
      <div class="actions">
        <Button type="submit" kind="main" idle={endpoint !== null && !dirty}>
          {busy ? t.accounts.saving : t.accounts.save}
        </Button>
        {cancel && <Button onClick={cancel}>{s.cancel}</Button>}
        {saved && !dirty && <span class="mark ok">{t.accounts.saved}</span>}
        {dirty && endpoint && !busy && <span class="meta">{t.accounts.unsavedHere}</span>}
      </div>
    </form>
  );
}

/** Those of the wanted values that are not stored so; of a new endpoint, those that are not as by default. */
function differences(endpoint: Endpoint | null, wanted: Required<Pick<EndpointFields, "url" | "events" | "rate_limit">>): EndpointFields {
  const stored = endpoint ?? { url: "", events: [], rate_limit: 0 };
  const all = stored.events.length === EVENTS.length ? [] : stored.events;
  const fields: EndpointFields = {};
  if (wanted.url !== stored.url) fields.url = wanted.url;
  if ([...wanted.events].sort().join() !== [...all].sort().join()) fields.events = wanted.events;
  if (wanted.rate_limit !== stored.rate_limit) fields.rate_limit = wanted.rate_limit;
  return fields;
}

function Headers({ rows, change, errors }: { rows: HeaderRow[]; change: (rows: HeaderRow[]) => void; errors: string[] | undefined }) {
  const id = useId();
  const wrong = errors && wrongRows(rows);
  const set = (row: HeaderRow, values: Partial<HeaderRow>) => change(rows.map((other) => (other === row ? { ...row, ...values } : other)));
  // What the server found wrong is of no row that the page knows: it is then said of the first.
  const isWrong = (row: HeaderRow, index: number) => (wrong ? (wrong.size > 0 ? wrong.has(row.id) : index === 0) : false);
  return (
    <fieldset class="headers" aria-describedby={id + "-hint"}>
      <legend>{t.endpoints.headers}</legend>
      <p class="hint" id={id + "-hint"}>
        {t.endpoints.headersHint}
      </p>
      {rows.map((row, index) => (
        <div class="header-row" key={row.id} role="group" aria-label={row.name || t.endpoints.headerNth(index + 1)}>
          <input
            aria-label={t.endpoints.headerName}
            aria-invalid={isWrong(row, index) || undefined}
            aria-describedby={isWrong(row, index) ? id : undefined}
            placeholder={t.endpoints.headerName}
            autoComplete="off"
            spellcheck={false}
            value={row.name}
            onInput={(event) => set(row, { name: event.currentTarget.value })}
          />
          <input
            aria-label={t.endpoints.headerValue}
            placeholder={row.stored !== null ? t.endpoints.headerKept : t.endpoints.headerValue}
            autoComplete="off"
            spellcheck={false}
            value={row.value}
            onInput={(event) => set(row, { value: event.currentTarget.value })}
          />
          <button type="button" class="button quiet" aria-label={t.endpoints.headerRemove(row.name || String(index + 1))} onClick={() => change(rows.filter((other) => other !== row))}>
            <Icon name="close" />
          </button>
        </div>
      ))}
      {errors && (
        <p class="error" id={id}>
          {errors.join(" ")}
        </p>
      )}
      {rows.length < MOST_HEADERS && (
        <div class="actions">
          <Button icon="plus" onClick={() => change([...rows, newRow()])}>
            {t.endpoints.headerMore}
          </Button>
        </div>
      )}
    </fieldset>
  );
}
