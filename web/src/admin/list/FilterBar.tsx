import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Dialog } from "../../shared/dialog";
import { Icon } from "../../shared/icons";
import { chooseZone, zone, zoneChoice, type ZoneChoice } from "../../shared/time";
import { Button } from "../../shared/ui";
import { accounts, readAccounts } from "../accounts";
import { slim } from "../room";
import { t } from "../texts";
import { countSet, fromField, LASTS, toField, type Filter, type Last, type Option, type Values } from "./filters";

/** A pause in typing after which the search is made, in milliseconds. */
const SEARCH_AFTER = 300;

interface Props {
  filters: Filter[];
  values: Values;
  change: (changes: Values) => void;
}

/** A list's filters: in a row, or in a sheet where there is no room. */
export function FilterBar({ filters, values, change }: Props) {
  const [sheet, setSheet] = useState(false);
  const given = filters.filter((filter) => filter.kind === "given" && values[filter.name]);
  const texts = filters.filter(({ kind }) => kind === "text");
  const others = filters.filter(({ kind }) => kind !== "text" && kind !== "given");
  const set = countSet(others, values);
  const shown = slim.value ? texts : [...others, ...texts];
  return (
    <>
      <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
        {shown.map((filter) => (
          <Control key={keyOf(filter)} filter={filter} values={values} change={change} />
        ))}
        {slim.value && others.length > 0 && (
          <Button icon="filter" onClick={() => setSheet(true)}>
            {t.list.filters(set)}
          </Button>
        )}
        {given.map(
          (filter) =>
            filter.kind === "given" && (
              <span key={filter.name} class="given">
                {filter.words(values[filter.name] ?? "")}
                <button type="button" class="button quiet" aria-label={t.list.without(filter.words(values[filter.name] ?? ""))} onClick={() => change({ [filter.name]: "" })}>
                  <Icon name="close" />
                </button>
              </span>
            ),
        )}
      </form>
      {sheet && (
        <Dialog label={t.list.filters(0)} class="sheet" onClose={() => setSheet(false)}>
          <form
            class="filters"
            onSubmit={(event) => {
              event.preventDefault();
              setSheet(false);
            }}
          >
            {others.map((filter) => (
              <Control key={keyOf(filter)} filter={filter} values={values} change={change} />
            ))}
            <div class="actions">
              <Button type="submit" kind="main">
                {t.list.show}
              </Button>
              {set > 0 && <Button onClick={() => change(cleared(others))}>{t.list.clearFilters}</Button>}
            </div>
          </form>
        </Dialog>
      )}
    </>
  );
}

const keyOf = (filter: Filter) => (filter.kind === "time" ? "time" : filter.name);

/** All filters taken away. */
export function cleared(filters: Filter[]): Values {
  const values: Values = {};
  for (const filter of filters)
    if (filter.kind === "time") values.last = values.from = values.to = "";
    else values[filter.name] = "";
  return values;
}

function Control({ filter, values, change }: { filter: Filter } & Omit<Props, "filters">) {
  switch (filter.kind) {
    case "choice":
      return <Choice label={filter.label} value={values[filter.name] ?? ""} options={filter.options} change={(value) => change({ [filter.name]: value })} />;
    case "several":
      return <Several label={filter.label} value={values[filter.name] ?? ""} options={filter.options} change={(value) => change({ [filter.name]: value })} />;
    case "account":
      return <AccountChoice value={values.account ?? ""} change={(account) => change({ account })} />;
    case "text":
      return <Search filter={filter} value={values[filter.name] ?? ""} change={(value) => change({ [filter.name]: value })} />;
    case "time":
      return <Time values={values} change={change} />;
    case "given":
      return null;
  }
}

interface ChoiceProps {
  label: string;
  value: string;
  options: Option[];
  change: (value: string) => void;
}

function Choice({ label, value, options, change }: ChoiceProps) {
  const id = useId();
  return (
    <div class="filter">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => change(event.currentTarget.value)}>
        <option value="">{t.list.allOf}</option>
        {value !== "" && !options.some((option) => option.value === value) && <option value={value}>{value}</option>}
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.words}
          </option>
        ))}
      </select>
    </div>
  );
}

function AccountChoice({ value, change }: { value: string; change: (value: string) => void }) {
  useEffect(() => void readAccounts(), []);
  return <Choice label={t.list.account} value={value} options={(accounts.value ?? []).map(({ id, email }) => ({ value: String(id), words: email }))} change={change} />;
}

/** Any of some: buttons that stay pressed. */
function Several({ label, value, options, change }: ChoiceProps) {
  const id = useId();
  const chosen = value === "" ? [] : value.split(",");
  const toggle = (one: string) => change(options.map((option) => option.value).filter((each) => chosen.includes(each) !== (each === one)).join(","));
  return (
    <div class="filter" role="group" aria-labelledby={id}>
      <span id={id}>{label}</span>
      <div class="several">
        {options.map((option) => (
          <button key={option.value} type="button" class="button" aria-pressed={chosen.includes(option.value)} onClick={() => toggle(option.value)}>
            {option.words}
          </button>
        ))}
      </div>
    </div>
  );
}

function Search({ filter, value, change }: { filter: Filter & { kind: "text" }; value: string; change: (value: string) => void }) {
  const id = useId();
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  // Back and "Clear filters" change the search from outside; what is being typed is not overwritten by its own echo.
  const sent = useRef(value);
  useEffect(() => {
    if (value === sent.current) return;
    clearTimeout(timer.current);
    setText((sent.current = value));
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const typed = (now: string) => {
    setText(now);
    clearTimeout(timer.current);
    const wanted = now.trim();
    if (filter.only && wanted !== "" && !filter.only.test(wanted)) return;
    timer.current = setTimeout(() => change((sent.current = wanted)), SEARCH_AFTER);
  };
  return (
    <div class="filter wide">
      <label for={id}>{filter.label}</label>
      <input id={id} type="search" placeholder={filter.placeholder} value={text} dir="auto" onInput={(event) => typed(event.currentTarget.value)} />
    </div>
  );
}

/** When: one of some lengths, or from and to. */
function Time({ values, change }: { values: Values; change: (changes: Values) => void }) {
  const [custom, setCustom] = useState(false);
  const id = useId();
  const from = values.from ?? "";
  const to = values.to ?? "";
  const own = custom || from !== "" || to !== "";
  const utc = zoneChoice.value === "utc";
  const choose = (choice: string) => {
    setCustom(choice === "custom");
    if (choice !== "custom") change({ last: choice, from: "", to: "" });
    // What was "the last hour" is where one begins to change it.
    else if (values.last) change({ last: "", from: new Date(Math.floor(Date.now() / 60_000) * 60_000 - LASTS[values.last as Last]).toISOString(), to: "" });
  };
  return (
    <>
      <div class="filter">
        <label for={id}>{t.list.time}</label>
        <select id={id} value={own ? "custom" : (values.last ?? "")} onChange={(event) => choose(event.currentTarget.value)}>
          <option value="">{t.list.times.any}</option>
          {(Object.keys(LASTS) as Last[]).map((last) => (
            <option key={last} value={last}>
              {t.list.times[last]}
            </option>
          ))}
          <option value="custom">{t.list.times.custom}</option>
        </select>
      </div>
      {own && (
        <>
          <Moment label={t.list.from} value={from} utc={utc} fits={(moment) => !to || Date.parse(moment) < Date.parse(to)} change={(moment) => change({ last: "", from: moment })} />
          <Moment label={t.list.to} value={to} utc={utc} fits={(moment) => !from || Date.parse(moment) > Date.parse(from)} change={(moment) => change({ last: "", to: moment })} />
        </>
      )}
    </>
  );
}

interface MomentProps {
  label: string;
  value: string;
  utc: boolean;
  /** Whether it makes a range with the other end. */
  fits: (moment: string) => boolean;
  change: (value: string) => void;
}

/** One end of a range. A moment that makes no range stays in the field with a sentence, and the list as it was. */
function Moment({ label, value, utc, fits, change }: MomentProps) {
  const id = useId();
  const [refused, setRefused] = useState<string | null>(null);
  useEffect(() => setRefused(null), [value]);
  const wrong = refused !== null && !fits(refused);
  const choose = (moment: string) => {
    const ok = moment === "" || fits(moment);
    setRefused(ok ? null : moment);
    if (ok) change(moment);
  };
  return (
    <div class="filter">
      <label for={id}>{label}</label>
      <input id={id} type="datetime-local" value={toField(wrong ? refused : value, utc)} aria-invalid={wrong} aria-describedby={wrong ? id + "-error" : undefined} onChange={(event) => choose(fromField(event.currentTarget.value, utc))} />
      {wrong && (
        <p class="error" id={id + "-error"}>
          {t.list.wrongRange}
        </p>
      )}
    </div>
  );
}

/** Chooses the zone of all times. */
export function ZoneSelect() {
  return (
    <select class="zone" aria-label={t.list.zone} value={zoneChoice.value} onChange={(event) => chooseZone(event.currentTarget.value as ZoneChoice)}>
      <option value="local">{t.list.zones.local(zone)}</option>
      <option value="utc">{t.list.zones.utc}</option>
    </select>
  );
}
