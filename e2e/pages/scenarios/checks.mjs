// The checks themselves: faults are put into a page that has none, and each must be found.
import { facts } from "../runner/layout.mjs";
import { axeIn } from "../runner/look.mjs";

const at = (left, top, width, height) => ({ position: "fixed", left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
const bare = { padding: "0", border: "0", minHeight: "0" };
const narrow = { width: "60px", overflow: "hidden", whiteSpace: "nowrap" };

// What is put into the page, as [tag, style], and what must be said of it.
const faults = {
  "a box wider than the window": [[["div", { width: "3000px", height: "4px" }]], /the document is \d+ px wide/],
  "a button under something else": [[["button", at(500, 300, 80, 40)], ["div", { ...at(490, 290, 120, 60), zIndex: "9" }]], /is covered by/],
  "two buttons on one another": [[["button", at(500, 300, 80, 40)], ["button", at(500, 335, 80, 40)]], /overlaps/],
  "small targets side by side": [[["button", { ...bare, ...at(500, 300, 12, 12) }], ["button", { ...bare, ...at(514, 300, 12, 12) }]], /is 12 × 12 px, less than 24/],
  "a text that is cut": [[["p", narrow]], /cut at the side without an ellipsis/],
  "an ellipsis without the whole text": [[["p", { ...narrow, textOverflow: "ellipsis" }]], /has no title/],
  "a text that is cut below": [[["p", { width: "60px", height: "20px", overflow: "hidden" }]], /is cut below/],
  "grey on white": [[["p", { color: "#bbb", background: "#fff" }]], /color-contrast/],
  "a field without a name": [[["input", {}]], /^label/],
};

const put = (things) => {
  for (const [tag, style] of things) {
    const el = document.querySelector("main").appendChild(document.createElement(tag));
    if (tag !== "input") el.append("Words that are longer than their box");
    Object.assign(el.style, style);
  }
};

export default [
  ...Object.entries(faults).map(([what, [things, said]]) => ({
    name: `checks: ${what}`,
    worker: false,
    steps: [
      ["open", "/"],
      ["see", "Log in"],
      ["is", "wrong before", async (run) => [...(await run.page.evaluate(facts, { least: 24 })), ...(await axeIn(run.page))], []],
      ["is", "put there", (run) => run.page.evaluate(put, things)],
      ["until", `it is found: ${said}`, async (run) => [...(await run.page.evaluate(facts, { least: 24 })), ...(await axeIn(run.page))].some((s) => said.test(s))],
    ],
  })),
  {
    name: "checks: what a page must never do",
    worker: false,
    steps: [
      ["open", "/"],
      ["see", "Log in"],
      [
        "is",
        "what is heard",
        async (run) => {
          await run.page.evaluate(() => {
            console.error("an error");
            const script = document.createElement("script");
            try {
              script.textContent = "globalThis.ran = true";
            } catch {} // Trusted Types
            document.body.append(script);
            document.body.append(Object.assign(new Image(), { src: "http://elsewhere.invalid/x.png" }));
            setTimeout(() => {
              throw new Error("thrown");
            });
          });
          await run.page.waitForTimeout(300);
          const heard = (await run.watch.verdict(run.context, [])).join("\n");
          run.verdict = async () => []; // all of it was meant
          return ["an error", "an error that nobody caught", "a violation of the policy"].filter((words) => !heard.includes(words));
        },
        [],
      ],
    ],
  },
];
