// What can be set of the site, with what holds unless a test says otherwise.
// Settings count for pages loaded and prompts received after they were set.

export const page = {
  markup: "section", // turns: "section" (since 2026-03), "article" (before), "renamed" (a redesign: every hook has another name)
  editor: "prosemirror", // or "lexical", "bare" (contenteditable and nothing else), "textarea"
  send: "testid", // or "id": only #composer-submit-button, which is the stop button too
  picker: "none", // or "switcher", "intelligence", "slider"
  tiers: ["instant", "standard", "extended"], // what the picker offers, in its order
  tier: "standard", // what is set at first
  barred: [], // tiers shown but disabled
  lang: "en", // or "de", "zh"
  render: "raf", // or "timer": when what has come is drawn
  virtual: 0, // turns kept in the document, of a longer chat; 0: all
  login: "in", // or "out" (login buttons), "guest" (the same with a composer), "redirect" (to the log-in host)
  challenge: false, // the interstitial in place of the app
  transient: true, // /c/WEB:<uuid> until the chat has its id
  temporaryMenu: false, // the Personalized/Unpersonalized toggle of temporary chats
  read: "new", // the read endpoint: "new" (/conversations/ID, pages of messages) or "old" (/conversation/ID, a tree)
  resume: "sse", // a page loaded in mid-answer: "sse" resumes the stream, "poll" reads the chat again and again, "none" shows what is stored
  mountAfter: 0, // ms until the composer is there
  prepareFor: 0, // ms between the press and the prompt's own request
  draft: "", // what stands in the composer of each page loaded
  composerLimit: 0, // characters; the composer cuts what is beyond. 0: none
  remounts: 0, // how often the editor is put up anew, empty, at its first characters
  swallow: false, // the send button does nothing
  modal: "", // a dialog over a page just loaded: "promo", "suspicious", "too_many"
  modalOnTyping: false, // the same promo dialog comes at the first characters
  alert: "", // a toast on a page just loaded
  workMode: false, // Chat/Work radios
  sealed: false, // other endpoints and another form of stream, which nobody but the page can read
  strict: true, // the page checks the url and type of its responses
};

export const reply = {
  text: "", // "": made from the prompt
  protocol: "delta", // or "full" (whole messages), "handoff" (the stream goes on over a WebSocket)
  piece: 24, // characters a piece
  every: 4, // ms between pieces
  wait: 20, // ms before the first
  end: "whole", // or "max_tokens", "cut" (the connection breaks; the run dies), "dropped" (it breaks; the run goes on), "silent" (nothing comes any more), "lost" (it breaks before the first byte)
  drops: 0, // how often the connection breaks, without a byte of an answer, when the prompt has come; a browser may then send it again by itself
  endAt: 0.5, // of the text, where it does not end whole
  thinking: "", // a thoughts message before
  commentary: "", // a commentary message before
  tool: "", // code for a tool and its output before
  searching: false, // citation marks: {{cite:URL|TITLE}} in text becomes one
  image: false, // a generated image instead of text
  status: 0, // HTTP status of a refusal instead
  body: null, // its JSON
  retryAfter: 0, // its header
  title: "A title",
  afterTitle: false, // the title comes before the text
  keepsPrompt: true, // after a refusal: the turn stays
};
