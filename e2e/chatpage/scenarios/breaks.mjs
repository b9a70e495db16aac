// Answers that do not end whole, and what the site refuses after the press.
const half = { status: "failed", code: "incomplete_answer", prompts: 1, partial: true };

export default [
  { name: "breaks: the stream is cut in the middle", site: { reply: { end: "cut" } }, expect: half, works: true, after: plain() },
  { name: "breaks: cut, whole messages", site: { reply: { end: "cut", protocol: "full" } }, expect: half },
  { name: "breaks: cut over the WebSocket", site: { reply: { end: "cut", protocol: "handoff" } }, expect: half },
  { name: "breaks: max_tokens", site: { reply: { end: "max_tokens" } }, expect: half },
  { name: "breaks: max_tokens, whole messages", site: { reply: { end: "max_tokens", protocol: "full" } }, expect: half },
  { name: "breaks: dropped, the page resumes the stream", site: { reply: { end: "dropped", every: 12 } }, expect: { status: "done", prompts: 1, response: "truth" } },
  { name: "breaks: dropped, the page reads again", site: { page: { resume: "poll" }, reply: { end: "dropped", every: 12 } }, expect: { status: "done", prompts: 1, response: "truth", live: false } },
  { name: "breaks: the person stops it", site: { reply: { every: 60 } }, meanwhile: [[["text", 60], ["clickTab", "[data-testid=stop-button]"]]], expect: half, works: true, after: plain() },
  { name: "breaks: before the first byte", site: { reply: { end: "lost" } }, expect: { status: "failed", codes: ["incomplete_answer", "worker_lost"], prompts: 1 }, works: true, after: plain() },
  { name: "breaks: before the first byte, and the browser sends it again by itself", site: { reply: { drops: 1 } }, expect: { status: "done", prompts: 1, response: "truth" }, check: repeated(1) },
  { name: "breaks: before the first byte, until the browser gives up", site: { reply: { drops: 9 } }, expect: { status: "failed", codes: ["incomplete_answer", "worker_lost"], prompts: 0 }, check: pressedOnce, works: true, after: plain() },
  { name: "breaks: it falls silent", site: { reply: { end: "silent" } }, ask: { timeout_seconds: 6 }, expect: { status: "failed", codes: ["timeout", "incomplete_answer"], prompts: 1, partial: true }, works: true, after: plain() },

  { name: "refused: 429 with Retry-After", site: { reply: { status: 429, retryAfter: 3, body: { detail: { message: "Too many requests", code: "rate_limit_exceeded" } } } }, expect: { status: "failed", code: "rate_limited", prompts: 1, retry: [1, 3] }, works: true, after: [...plain(), ["wait", 3000], ["reloadTab"]] },
  { name: "refused: 429, the model's cap", site: { reply: { status: 429, body: { detail: { message: "You have reached the limit", code: "model_cap_exceeded", clears_in: 4 } } } }, expect: { status: "failed", code: "rate_limited", prompts: 1, retry: [1, 4] }, works: true, after: plain() },
  { name: "refused: 429 without a time", site: { reply: { status: 429 } }, expect: { status: "failed", code: "rate_limited", prompts: 1 }, spoils: true },
  { name: "refused: 413", site: { reply: { status: 413, body: { detail: { message: "The message you submitted was too long, please edit it and resubmit.", code: "message_length_exceeds_limit" } } } }, expect: { status: "failed", code: "too_long", prompts: 1 }, works: true, after: plain() },
  { name: "refused: 403, unusual activity", site: { reply: { status: 403, body: { detail: "Unusual activity has been detected from your device. Try again later." } } }, expect: { status: "failed", codes: ["challenge", "rate_limited"], prompts: 1 }, spoils: true },
  { name: "refused: 500", site: { reply: { status: 500, body: { detail: "Something went wrong. help.openai.com" } } }, expect: { status: "failed", codes: ["incomplete_answer", "worker_error"], prompts: 1 }, works: true, after: plain() },
];

// repeated checks that what came again was the same message: the browser's repeat of one press, which no extension can see or prevent.
function repeated(drops) {
  return (run, fault) => {
    const { dropped, chats } = run.lane.site;
    if (dropped.length !== drops || dropped.some((id) => id !== chats.prompts[0]?.id)) fault(`dropped ${dropped}, answered ${chats.prompts[0]?.id}`);
  };
}

// pressedOnce checks that all that came was one message.
function pressedOnce(run, fault) {
  if (new Set(run.lane.site.dropped).size !== 1) fault(`several messages: ${run.lane.site.dropped}`);
}

// plain is the site as it is by default.
function plain() {
  return [["set", { reply: { end: "whole", drops: 0, status: 0, retryAfter: 0, body: null, every: 4 } }]];
}
