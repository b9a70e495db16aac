// The pickers of mode and thinking time, in the forms of 2025 and 2026. Their
// menus open as the site's do: on pointerdown or a key, never on a bare click.
import { el } from "./dom.js";

// opener makes a button of a menu behave: open() shows it.
function opener(button, toggle) {
  button.addEventListener("pointerdown", (e) => e.button === 0 && !e.ctrlKey && toggle());
  button.addEventListener("keydown", (e) => {
    if (!["Enter", " ", "ArrowDown"].includes(e.key)) return;
    e.preventDefault();
    toggle();
  });
  return button;
}

// menu shows content under the body, as portals do, and closes on Escape or a press elsewhere.
function menu(button, content) {
  let open = null;
  const close = () => {
    open?.remove();
    open = null;
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("data-state", "closed");
    document.removeEventListener("keydown", key, true);
    document.removeEventListener("pointerdown", away, true);
  };
  const key = (e) => e.key === "Escape" && (e.stopPropagation(), close());
  const away = (e) => open && !open.contains(e.target) && !button.contains(e.target) && close();
  const toggle = () => {
    if (open) return close();
    open = content(close);
    document.body.append(open);
    button.setAttribute("aria-expanded", "true");
    button.setAttribute("data-state", "open");
    document.addEventListener("keydown", key, true);
    document.addEventListener("pointerdown", away, true);
    open.querySelector("[role=menuitemradio],[role=menuitem],[role=slider]")?.focus();
  };
  return opener(button, toggle);
}

const tips = (app, tier, n) => (app.settings.barred.includes(tier) ? { "aria-disabled": "true", "data-disabled": "", "aria-describedby": `tip-${n}` } : {});

const forms = {
  // The older switcher in the header: auto, instant, thinking; and the effort in the composer.
  switcher(app, { header, extra }) {
    const { hooks, words } = app;
    const state = { mode: "auto", effort: "standard" };
    const effort = el("button", { type: "button", class: "__composer-pill", "aria-haspopup": "menu", "data-model-picker-thinking-effort-action": "true", "aria-label": words.effort });
    const button = el("button", { ...hooks.switcher, "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": words.model });
    const refresh = () => {
      button.replaceChildren(`ChatGPT ${{ auto: words.auto, instant: words.instant, thinking: words.thinking }[state.mode]}`);
      effort.replaceChildren(state.effort === "standard" ? words.light : words.extended);
      if (state.mode === "thinking") extra.append(effort);
      else effort.remove();
    };
    menu(button, (close) =>
      el("div", { role: "menu", "data-radix-menu-content": "" }, ["auto", "instant", "thinking"].map((mode, n) =>
        el("div", {
          role: "menuitemradio", tabindex: "-1", "aria-checked": String(state.mode === mode), "data-state": state.mode === mode ? "checked" : "unchecked", "data-testid": `model-switcher-gpt-5-6${mode === "auto" ? "" : `-${mode}`}`, ...tips(app, mode, n),
          onclick: () => app.settings.barred.includes(mode) || ((state.mode = mode), refresh(), close()),
        }, { auto: words.auto, instant: words.instant, thinking: words.thinking }[mode], app.settings.barred.includes(mode) && el("span", { role: "tooltip", id: `tip-${n}` }, words.barred)))));
    menu(effort, (close) =>
      el("div", { role: "menu" }, ["standard", "extended"].map((e) =>
        el("div", { role: "menuitemradio", tabindex: "-1", "aria-checked": String(state.effort === e), onclick: () => ((state.effort = e), refresh(), close()) }, e === "standard" ? words.light : words.extended))));
    header.append(button);
    refresh();
    return () => ({ model: { auto: "auto", instant: "gpt-5-6-instant", thinking: "gpt-5-6-thinking" }[state.mode], thinking_effort: state.mode === "thinking" ? state.effort : undefined });
  },

  // The intelligence picker of 2026-06: radio items, one for each tier.
  intelligence(app, { extra }) {
    const { hooks, words, settings } = app;
    let tier = settings.tier;
    const button = el("button", { type: "button", ...hooks.pill, "aria-haspopup": "menu", "aria-expanded": "false" });
    const refresh = () => button.replaceChildren(words[tier] ?? tier);
    menu(button, (close) =>
      el("div", { role: "menu" }, el("div", { ...hooks.intelligence }, settings.tiers.map((t, n) =>
        el("div", {
          role: "menuitemradio", tabindex: "-1", "aria-checked": String(t === tier), "data-state": t === tier ? "checked" : "unchecked", ...tips(app, t, n),
          onclick: () => settings.barred.includes(t) || ((tier = t), refresh(), close()),
        }, words[t] ?? t, settings.barred.includes(t) && el("span", { role: "tooltip", id: `tip-${n}` }, words.barred))))));
    extra.append(button);
    refresh();
    return () => asked(tier);
  },

  // The slider of 2026-08: arrow keys move it.
  slider(app, { extra }) {
    const { settings, words } = app;
    let at = settings.tiers.indexOf(settings.tier);
    const button = el("button", { type: "button", class: "__composer-pill group", "aria-haspopup": "menu", "aria-expanded": "false" });
    const refresh = () => button.replaceChildren(el("span", { "data-animated-slider-trigger": "true" }, words[settings.tiers[at]] ?? settings.tiers[at]));
    menu(button, () => {
      const thumb = el("span", { role: "slider", tabindex: "0", "aria-valuemin": "0", "aria-valuemax": String(settings.tiers.length - 1), "aria-valuenow": String(at), "aria-orientation": "horizontal", "aria-label": words.effort });
      thumb.addEventListener("keydown", (e) => {
        const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[e.key];
        const to = e.key === "Home" ? 0 : e.key === "End" ? settings.tiers.length - 1 : step ? at + step : at;
        if (to === at || to < 0 || to >= settings.tiers.length) return;
        e.preventDefault();
        if (settings.barred.includes(settings.tiers[to])) return;
        at = to;
        requestAnimationFrame(() => thumb.setAttribute("aria-valuenow", String(at)));
        refresh();
      });
      return el("div", { role: "menu", "data-picker": "" }, el("div", { "data-model-reasoning-effort-slider": "" }, el("span", { "data-orientation": "horizontal" }, thumb)));
    });
    extra.append(button);
    refresh();
    return () => asked(settings.tiers[at]);
  },

  none: () => () => ({ model: "auto" }),
};

const asked = (tier) => (tier === "instant" ? { model: "gpt-5-6-instant" } : { model: "gpt-5-6-thinking", thinking_effort: tier });

// picker puts one up; what it returns tells what the prompt asks for.
export const picker = (app, places) => forms[app.settings.picker](app, places);
