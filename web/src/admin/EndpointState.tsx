import { announce } from "../shared/announce";
import { Icon, type IconName } from "../shared/icons";
import { clock, counting } from "../shared/time";
import { Button } from "../shared/ui";
import { useLeft } from "./left";
import { useAct } from "./save";
import { ask } from "./session";
import { t } from "./texts";
import type { Endpoint } from "./types";

/** Amber goes on by itself, or was meant so; red is over until a person does something. As with deliveries (DeliveryMark). */
const LOOKS: Record<Endpoint["status"] | "switched_off", { icon: IconName; tone: "ok" | "warn" | "bad" }> = {
  on: { icon: "done", tone: "ok" },
  off: { icon: "power", tone: "warn" },
  switched_off: { icon: "power", tone: "bad" },
  failing: { icon: "warning", tone: "warn" },
  on_hold: { icon: "clock", tone: "warn" },
};

type Well = Pick<Endpoint, "status" | "disabled_reason">;

const lookOf = ({ status, disabled_reason }: Well) => LOOKS[status === "off" && disabled_reason ? "switched_off" : status];

/** The colour of how an endpoint is: the same wherever it is told. */
export const endpointTone = (endpoint: Well) => lookOf(endpoint).tone;

/** Whether an endpoint gets what it is owed, as icon, word and colour. */
export function EndpointMark({ endpoint }: { endpoint: Well }) {
  const look = lookOf(endpoint);
  return (
    <span class={"mark " + look.tone}>
      <Icon name={look.icon} />
      {t.endpoints.statuses[endpoint.status]}
    </span>
  );
}

/** How an endpoint is doing, in a sentence, with the way to switch it on or off. */
export function EndpointState({ endpoint, path, reload }: { endpoint: Endpoint; path: string; reload: () => Promise<void> }) {
  const { error, act } = useAct();
  const left = useLeft(endpoint.hold_until);
  const turn = () =>
    act(async () => {
      await ask(path, { method: "PATCH", body: { enabled: !endpoint.enabled } });
      announce(endpoint.enabled ? t.endpoints.switchedOff : t.endpoints.switchedOn);
      await reload();
    });
  return (
    <div class="state">
      <p>
        <EndpointMark endpoint={endpoint} /> {words(endpoint, left)}
      </p>
      <Button icon="power" onClick={turn}>
        {endpoint.enabled ? t.endpoints.switchOff : t.endpoints.switchOn}
      </Button>
      {error && <p class="error">{error}</p>}
    </div>
  );
}

function words(endpoint: Endpoint, left: number): string {
  const since = endpoint.failing_since && clock(endpoint.failing_since);
  switch (endpoint.status) {
    case "on":
      return "";
    case "off":
      return endpoint.disabled_reason ? t.endpoints.stateSwitchedOff(endpoint.disabled_reason) : t.endpoints.stateOff;
    case "failing":
      return t.endpoints.stateFailing(since ?? "");
    case "on_hold":
      return t.endpoints.stateHold(clock(endpoint.hold_until ?? ""), counting(left), since);
  }
}

/** What an endpoint is owed, with the way to it. */
export function Owed({ endpoint }: { endpoint: Endpoint }) {
  const of = `/admin/deliveries/?endpoint=${endpoint.id}`;
  const counts = (["pending", "failing", "dead"] as const).map((status) => ({ status, n: endpoint.counts?.[status] ?? 0 })).filter(({ n }) => n > 0);
  return (
    <p class="owed">
      {t.endpoints.owed}:{" "}
      {counts.length === 0
        ? t.endpoints.owedNothing
        : counts.map(({ status, n }, index) => (
            <>
              {index > 0 && " · "}
              <a href={`${of}&status=${status}`}>{t.endpoints[status](n)}</a>
            </>
          ))}{" "}
      · <a href={of}>{t.endpoints.all}</a>
    </p>
  );
}
