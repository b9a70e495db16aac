// Looks at a page in one state: axe, the layout's facts and, if asked for, pictures; in each width and scheme.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { facts } from "./layout.mjs";
import { small } from "./png.mjs";

export const widths = { 1280: 800, 768: 960, 360: 740 }; // and the heights that go with them
const schemes = ["light", "dark"];
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const counts = new Set(["serious", "critical"]);
const alsoCounts = new Set(["region"]); // moderate to axe; but what stands outside the landmarks is passed over by whoever goes by them
const fine = 24; // px, a target's least (WCAG 2.5.8)
const coarse = 44; // px, where a finger points

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * look returns what is wrong, as sentences. how: {whole: axe in every width and scheme, not in two of them only; shots: a folder
 * for pictures; only: widths to look at; sizes: others, [width, height]; touch: a finger points; few: two pictures are enough, as of a state much like another one}.
 */
export async function look(page, state, { whole, shots, only = Object.keys(widths), sizes = only.map((w) => [Number(w), widths[w]]), touch, few } = {}) {
  const wrong = new Map(); // what is wrong, and where
  const note = (what, at) => wrong.set(what, [...(wrong.get(what) ?? []), at]);
  const before = page.viewportSize();
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    for (const scheme of schemes) {
      // The gate looks at wide pages in the light and at narrow ones in the dark: all of the styles are in one of them.
      const usual = scheme === "light" ? width > 360 : width <= 360;
      if (!usual && !whole && !shots) continue;
      await page.emulateMedia({ colorScheme: scheme });
      await settled(page);
      const at = `${width} ${scheme}`;
      if (shots && !(few && (!usual || width === 768))) await small(page, join(shots, `${state}-${width}-${scheme}.png`));
      for (const fact of await page.evaluate(facts, { least: touch ? coarse : fine })) note(fact, at);
      if (whole || (usual && width !== 768)) for (const finding of await axeIn(page)) note(finding, at);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(before);
  await settled(page);
  return [...wrong].map(([what, at]) => `${state} (${at.join(", ")}): ${what}`);
}

/** axeIn runs axe and returns what it finds that counts. */
export async function axeIn(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const { violations } = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }), tags);
  return violations.filter((v) => counts.has(v.impact) || alsoCounts.has(v.id)).map((v) => `${v.id} (${v.impact}): ${v.help}: ${v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 140)} ${n.failureSummary.split("\n").slice(1).join(" ").trim().slice(0, 160)}`).join(" | ")}`);
}

/** settled waits until what a change of the window set off has been drawn, and fades have ended. */
function settled(page) {
  return page.evaluate(
    () =>
      new Promise((done) =>
        requestAnimationFrame(() =>
          requestAnimationFrame(() => {
            const ending = document.getAnimations().filter((a) => a.effect?.getComputedTiming().endTime !== Infinity);
            Promise.race([Promise.allSettled(ending.map((a) => a.finished)), new Promise((r) => setTimeout(r, 1000))]).then(() => done());
          }),
        ),
      ),
  );
}
