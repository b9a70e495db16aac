// Dialogs, toasts and alerts.
import { el } from "./dom.js";

const texts = {
  too_many: "Too many requests\nYou're making requests too quickly. We've temporarily limited access to your conversations to protect our data. Please wait a few minutes before trying again.",
  suspicious: "Suspicious activity detected\nWe have detected suspicious activity on your account. To protect it, secure your account to regain access.",
  promo: "Introducing something new\nTry the new thing today.",
};

// dialog covers the page, takes the focus and holds it until it is dismissed.
export function dialog(app, kind) {
  const [title, text] = texts[kind].split("\n");
  const root = document.getElementById("root");
  const close = () => {
    over.remove();
    root.removeAttribute("aria-hidden");
    root.inert = false;
    document.removeEventListener("focusin", hold);
  };
  const box = el("div", { role: "dialog", "aria-modal": "true", "data-state": "open", tabindex: "-1" }, el("h2", {}, title), el("p", {}, text), el("button", { type: "button", onclick: close }, app.words.gotIt));
  const over = el("div", { class: "overlay" }, box);
  const hold = (e) => box.contains(e.target) || box.focus();
  document.body.append(over);
  root.setAttribute("aria-hidden", "true");
  root.inert = true;
  document.addEventListener("focusin", hold);
  box.focus();
  return close;
}

// toast is shown for a few seconds; alert stays.
export function toast(text) {
  const t = el("div", { role: "alert", class: "toast-root" }, text);
  document.body.append(t);
  setTimeout(() => t.remove(), 8000);
}
