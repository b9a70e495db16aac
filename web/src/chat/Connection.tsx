import { useEffect } from "preact/hooks";
import { Icon } from "../shared/icons";
import { online } from "../shared/online";
import { now, tick } from "../shared/time";
import { Button } from "../shared/ui";
import { feedLink } from "./feed";
import { listened } from "./state";
import { t } from "./texts";

/** Says that the page does not hear of the account. While an answer is awaited, the answer itself says so. */
export function Connection() {
  const link = feedLink.value;
  if (listened.value?.link.value.state === "retrying") return null;
  if (!online.value) {
    return (
      <p class="connection">
        <Icon name="warning" />
        {t.frame.offline}
      </p>
    );
  }
  if (link.state !== "retrying") return null;
  return <Retrying at={link.at} again={link.now} />;
}

function Retrying({ at, again }: { at: number; again: () => void }) {
  useEffect(tick, []);
  return (
    <p class="connection">
      <Icon name="warning" />
      <span>{t.frame.reconnecting(Math.max(0, Math.ceil((at - now.value) / 1000)))}</span>
      <Button kind="quiet" onClick={again}>
        {t.frame.now}
      </Button>
    </p>
  );
}
