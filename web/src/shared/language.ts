import { local } from "./storage";

/** The languages that there are texts in, by their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;

export type Language = keyof typeof LANGUAGES;

/** What a person chose: follow the browser, or one of them. */
export type LanguageChoice = "system" | Language;

const LANGUAGE_KEY = "chatbridge.language";

function known(tag: string | null | undefined): Language | null {
  const name = tag?.toLowerCase().split("-")[0] ?? "";
  return name in LANGUAGES ? (name as Language) : null;
}

/** The choice in force. */
export const languageChoice: LanguageChoice = known(local.get(LANGUAGE_KEY)) ?? "system";

/** The language of this page, for as long as it is loaded. (Tests run where there is no navigator.) */
export const language: Language = languageChoice !== "system" ? languageChoice : firstKnown(globalThis.navigator?.languages ?? []);

function firstKnown(tags: readonly string[]): Language {
  for (const tag of tags) {
    const found = known(tag);
    if (found) return found;
  }
  return "en";
}

/** Sets the choice and loads the page anew in it: drafts and the address outlive that. */
export function chooseLanguage(choice: LanguageChoice): void {
  if (choice === "system") local.remove(LANGUAGE_KEY);
  else local.set(LANGUAGE_KEY, choice);
  location.reload();
}

/** Texts of another language, of the same shape as the English ones. */
export type Translation = typeof import("../texts/en");

/** The texts of the page's language; null for English, which is part of each page, and where they can't be loaded. */
export async function translation(): Promise<Translation | null> {
  document.documentElement.lang = language;
  if (language === "en") return null;
  try {
    return (await import(`/assets/${language}.js`)) as Translation;
  } catch {
    document.documentElement.lang = "en";
    return null;
  }
}
