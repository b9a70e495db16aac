import { Icon, type IconName } from "../../shared/icons";
import { t } from "../texts";
import type { DeliveryStatus } from "../types";

const LOOKS: Record<DeliveryStatus, { icon: IconName; tone: string }> = {
  pending: { icon: "clock", tone: "plain" },
  failing: { icon: "warning", tone: "warn" },
  delivered: { icon: "done", tone: "ok" },
  dead: { icon: "failed", tone: "bad" },
};

/** How a delivery is, as icon, word and colour. */
export function DeliveryMark({ status }: { status: DeliveryStatus }) {
  const look = LOOKS[status];
  return (
    <span class={"mark " + look.tone}>
      <Icon name={look.icon} />
      {t.deliveries.statuses[status]}
    </span>
  );
}
