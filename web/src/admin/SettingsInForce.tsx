import { Button, Loading, Notice } from "../shared/ui";
import { language } from "../shared/language";
import { useLoad } from "./load";
import { t } from "./texts";

/** A setting that the server was started with. */
interface Setting {
  name: string;
  flag: string;
  env: string;
  value: string;
  origin: string;
  /** One sentence, in English. */
  about: string;
}

/** The settings with this beginning say how long things are kept. */
const KEEP = "keep-";

/** The settings in force, and where each comes from. */
export function SettingsInForce() {
  const { data, error, reload } = useLoad<Setting[]>("/api/admin/settings/");
  const keeps = ({ name }: Setting) => name.startsWith(KEEP);
  return (
    <>
      <section class="wide">
        <h2>{t.settings.kept}</h2>
        <p>{t.settings.keptHint}</p>
        {error && <Notice actions={<Button onClick={reload}>{t.accounts.tryAgain}</Button>}>{t.settings.failed(error)}</Notice>}
        {!data && !error && <Loading>{t.settings.loading}</Loading>}
        {data && <Table settings={data.body.filter(keeps)} words={kept} />}
      </section>
      {data && (
        <section class="wide">
          <h2>{t.settings.inForce}</h2>
          <p>{t.settings.inForceHint}</p>
          <Table settings={data.body.filter((setting) => !keeps(setting))} words={(value) => value} />
        </section>
      )}
    </>
  );
}

function Table({ settings, words }: { settings: Setting[]; words: (value: string) => string }) {
  return (
    <table class="rows settings">
      <thead>
        <tr>
          <th>{t.settings.name}</th>
          <th>{t.settings.value}</th>
          <th>{t.settings.origin}</th>
        </tr>
      </thead>
      <tbody>
        {settings.map((setting) => (
          <tr key={setting.name}>
            <td class="first">
              <p lang="en">{setting.about}</p>
              <p class="meta">
                <code>{setting.flag}</code> · <code>{setting.env}</code>
              </p>
            </td>
            <td data-label={t.settings.value}><Value value={setting.value} words={words(setting.value)} /></td>
            <td data-label={t.settings.origin}>
              <span class={"mark " + (setting.origin === "default" ? "plain" : "accent")}>{t.settings.origins[setting.origin] ?? setting.origin}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Value({ value, words }: { value: string; words: string }) {
  if (value === "") return <span class="meta">{t.settings.unset}</span>;
  return words === value ? <code>{value}</code> : <>{words}</>;
}

/** How long something is kept, in words: "30d" are days, "0" is for ever; what else there is (12h0m0s) says itself. */
function kept(value: string): string {
  if (value === "0") return t.settings.forEver;
  const days = /^(\d+)d$/.exec(value)?.[1];
  return days ? new Intl.NumberFormat(language, { style: "unit", unit: "day", unitDisplay: "long" }).format(Number(days)) : value;
}
