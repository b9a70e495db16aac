import { useState } from "preact/hooks";
import { sentence } from "../../shared/api";
import { Dialog } from "../../shared/dialog";
import { s } from "../../shared/texts";
import { Button, Loading, Notice } from "../../shared/ui";
import type { Values } from "../list/filters";
import { useAct } from "../save";
import { ask } from "../session";
import { t } from "../texts";
import { replayFilter, type ReplayFilter } from "./replayFilter";

interface Counted {
  filter: ReplayFilter;
  matching: number;
}

/** Sends all that match the list's filters again: counts first, then asks. */
export function ReplayAll({ values, began }: { values: Values; began: (id: number) => void }) {
  const [open, setOpen] = useState(false);
  const [counted, setCounted] = useState<Counted | null>(null);
  const [error, setError] = useState<string | null>(null);
  const { busy, error: refused, act } = useAct();

  const count = async () => {
    setOpen(true);
    setCounted(null);
    setError(null);
    // What is counted is what is sent: a "last hour" does not move on between the two.
    const filter = replayFilter(values, Date.now());
    try {
      const { body } = await ask<{ matching: number }>("/api/admin/deliveries/replay/", { method: "POST", body: { filter, dry_run: true } });
      setCounted({ filter, matching: body.matching });
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  const start = (filter: ReplayFilter) =>
    act(async () => {
      const { body } = await ask<{ replay_id: number | null }>("/api/admin/deliveries/replay/", { method: "POST", body: { filter } });
      setOpen(false);
      if (body.replay_id !== null) began(body.replay_id);
    });

  return (
    <>
      <Button icon="again" onClick={count}>
        {t.deliveries.replayAll}
      </Button>
      {open && (
        <Dialog label={t.deliveries.replayAll} class="card" onClose={() => setOpen(false)}>
          {!counted && !error && <Loading>{t.deliveries.counting}</Loading>}
          {error && <Notice actions={<Button onClick={count}>{t.list.tryAgain}</Button>}>{error}</Notice>}
          {counted && counted.matching === 0 && <p>{counted.filter.status ? t.deliveries.nothingMatches : t.deliveries.noDead}</p>}
          {counted && counted.matching > 0 && (
            <div class="part">
              <p>
                <strong>{t.deliveries.replayAllAsk(counted.matching)}</strong>
              </p>
              <p>{t.deliveries.replayAllWhat}</p>
              {!counted.filter.status && <p>{t.deliveries.replayAllDead}</p>}
              {refused && <Notice>{refused}</Notice>}
            </div>
          )}
          <div class="actions end">
            <Button onClick={() => setOpen(false)}>{counted?.matching === 0 ? t.list.close : s.cancel}</Button>
            {counted && counted.matching > 0 && (
              <Button kind="main" disabled={busy} onClick={() => start(counted.filter)}>
                {t.deliveries.replayAllGo(counted.matching)}
              </Button>
            )}
          </div>
        </Dialog>
      )}
    </>
  );
}
