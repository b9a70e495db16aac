// What each part of the page is called, by the generation of its markup.
const since2026 = {
  nav: { "aria-label": "history" },
  profile: { "data-testid": "accounts-profile-button" },
  login: { "data-testid": "login-button" },
  signup: { "data-testid": "signup-button" },
  newChat: { "data-testid": "create-new-chat-button" },
  history: (n) => ({ "data-testid": `history-item-${n}`, class: "group __menu-item hoverable" }),
  form: { class: "group/composer w-full", "data-type": "unified-composer" },
  editor: { id: "prompt-textarea", role: "textbox", "aria-multiline": "true", "data-virtualkeyboard": "true" },
  plainEditor: { id: "prompt-textarea", name: "prompt-textarea" },
  fallback: { name: "prompt-textarea", class: "hidden" },
  plus: { id: "composer-plus-btn", "data-testid": "composer-plus-btn" },
  send: { id: "composer-submit-button", "data-testid": "send-button", class: "composer-submit-btn", type: "submit" },
  stop: { id: "composer-submit-button", "data-testid": "stop-button", class: "composer-submit-btn", type: "button" },
  speech: { "data-testid": "composer-speech-button" },
  turnTag: "section",
  turn: (n, role, id) => ({ "data-testid": `conversation-turn-${n}`, "data-turn": role, "data-turn-id": id, class: "text-token-text-primary w-full" }),
  node: (role, id, model) => ({ "data-message-author-role": role, "data-message-id": id, ...(role === "assistant" ? { "data-message-model-slug": model } : {}) }),
  bubble: { class: "user-message-bubble-color" },
  asked: { class: "whitespace-pre-wrap" },
  answer: { class: "markdown prose dark:prose-invert w-full break-words" },
  live: { "data-streaming-response-status": "" },
  copy: { "data-testid": "copy-turn-action-button" },
  good: { "data-testid": "good-response-turn-action-button" },
  bad: { "data-testid": "bad-response-turn-action-button" },
  cite: { "data-testid": "webpage-citation-pill" },
  switcher: { "data-testid": "model-switcher-dropdown-button" },
  pill: { class: "__composer-pill group" },
  intelligence: { "data-testid": "composer-intelligence-picker-content" },
};

const before2026 = { ...since2026, turnTag: "article" };

// A redesign: nothing that anyone wrote down holds any more.
const renamed = {
  ...since2026,
  nav: {}, profile: { "data-qa": "me" }, login: { "data-qa": "enter" }, signup: { "data-qa": "join" }, newChat: { "data-qa": "fresh" },
  history: (n) => ({ "data-qa": `past-${n}` }),
  form: { "data-qa": "bar" },
  editor: { "data-qa": "ask", contenteditable: "plaintext-only" },
  plainEditor: { "data-qa": "ask" },
  fallback: null,
  plus: { "data-qa": "more" },
  send: { "data-qa": "go", type: "button" },
  stop: { "data-qa": "halt", type: "button" },
  speech: { "data-qa": "talk" },
  turnTag: "div",
  turn: (n, role, id) => ({ "data-qa": "said", "data-who": role === "user" ? "me" : "it", "data-key": id }),
  node: (role, id) => ({ "data-qa": "part", "data-key": id }),
  bubble: {}, asked: { class: "asked" }, answer: { "data-qa": "words" },
  live: { "data-qa": "busy" }, copy: { "data-qa": "copy" }, good: {}, bad: {}, cite: {},
  switcher: { "data-qa": "models" }, pill: { "data-qa": "models" }, intelligence: { "data-qa": "tiers" },
};

export const hooksOf = (markup) => ({ article: before2026, renamed })[markup] ?? since2026;
