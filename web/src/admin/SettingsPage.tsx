import { chooseLanguage, languageChoice, LANGUAGES, type LanguageChoice } from "../shared/language";
import { s } from "../shared/texts";
import { chooseTheme, theme, type Theme } from "../shared/theme";
import { chooseZone, zone, zoneChoice, type ZoneChoice } from "../shared/time";
import { ShownOnce } from "./secrets";
import { SettingsInForce } from "./SettingsInForce";
import { SettingsPassword } from "./SettingsPassword";
import { SettingsTokens } from "./SettingsTokens";
import { t } from "./texts";

/** The view in which a new token is shown. */
const AT = "settings";

/** What can be set from here, and what the server was started with. */
export function SettingsPage() {
  return (
    <>
      <header class="view-head">
        <h1 tabIndex={-1}>{t.settings.title}</h1>
      </header>
      <ShownOnce at={AT} />
      <div class="sections">
        <ThisBrowser />
        <SettingsPassword />
        <SettingsTokens at={AT} />
        <SettingsInForce />
      </div>
    </>
  );
}

/** Colours, language and time zone of this browser. */
function ThisBrowser() {
  return (
    <section>
      <h2>{t.settings.page}</h2>
      <p class="hint">{t.settings.pageHint}</p>
      <div class="form">
        <Choice<Theme> label={s.theme} value={theme.value} options={s.themes} choose={chooseTheme} />
        <Choice<LanguageChoice> label={s.language} value={languageChoice} options={{ system: s.languageSystem, ...LANGUAGES }} choose={chooseLanguage} />
        <Choice<ZoneChoice> label={t.settings.zone} value={zoneChoice.value} options={{ local: t.settings.zoneLocal(zone), utc: t.settings.zoneUtc }} choose={chooseZone} />
      </div>
    </section>
  );
}

function Choice<T extends string>({ label, value, options, choose }: { label: string; value: T; options: Record<T, string>; choose: (value: T) => void }) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => choose(event.currentTarget.value as T)}>
        {(Object.keys(options) as T[]).map((option) => (
          <option key={option} value={option}>
            {options[option]}
          </option>
        ))}
      </select>
    </label>
  );
}
