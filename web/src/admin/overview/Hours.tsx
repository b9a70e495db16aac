import { language } from "../../shared/language";
import { clock } from "../../shared/time";
import { t } from "../texts";
import type { Overview } from "../types";

/** The picture's own units: a bar with its gap, and the height of the highest one. */
const STEP = 10;
const GAP = 2;
const HEIGHT = 60;

/** Answers and failures of each hour as bars, and the same as a table. */
export function Hours({ hours }: { hours: Overview["hours"] }) {
  const most = Math.max(1, ...hours.map(({ done, failed }) => done + failed));
  const done = hours.reduce((sum, hour) => sum + hour.done, 0);
  const failed = hours.reduce((sum, hour) => sum + hour.failed, 0);
  const high = (n: number) => (n * HEIGHT) / most;
  if (done + failed === 0) return <p class="meta">{t.overview.nothing}</p>;
  return (
    <>
      <p class="meta">{t.overview.answersOf(done, failed)}</p>
      <svg class="hours" viewBox={`0 0 ${hours.length * STEP} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`${t.overview.answers}: ${t.overview.answersOf(done, failed)}`}>
        {hours.map((hour, index) => (
          <g key={hour.hour}>
            <title>{`${clock(hour.hour)}: ${t.overview.answersOf(hour.done, hour.failed)}`}</title>
            <rect class="hour-ground" x={index * STEP} y={0} width={STEP - GAP} height={HEIGHT} />
            <rect class="hour-done" x={index * STEP} y={HEIGHT - high(hour.done)} width={STEP - GAP} height={high(hour.done)} />
            <rect class="hour-failed" x={index * STEP} y={HEIGHT - high(hour.done + hour.failed)} width={STEP - GAP} height={high(hour.failed)} />
          </g>
        ))}
      </svg>
      <div class="hours-ends meta">
        <span>{clock(hours[0]?.hour ?? "")}</span>
        <span>{clock(hours.at(-1)?.hour ?? "")}</span>
      </div>
      <details>
        <summary class="meta">{t.overview.table}</summary>
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">{t.overview.hour}</th>
              <th scope="col" class="number">
                {t.overview.done}
              </th>
              <th scope="col" class="number">
                {t.overview.failed24}
              </th>
            </tr>
          </thead>
          <tbody>
            {[...hours].reverse().map((hour) => (
              <tr key={hour.hour}>
                <td>{clock(hour.hour)}</td>
                <td class="number">{hour.done.toLocaleString(language)}</td>
                <td class="number">{hour.failed.toLocaleString(language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </>
  );
}
