import { useRef } from "preact/hooks";
import { announce } from "../shared/announce";
import { ask as question } from "../shared/dialog";
import { clock, counting } from "../shared/time";
import { Button, Notice } from "../shared/ui";
import { useLeft } from "./left";
import { focusSection, useAct } from "./save";
import { showOnce } from "./secrets";
import { ask } from "./session";
import { t } from "./texts";
import type { Endpoint } from "./types";

interface SecretProps {
  endpoint: Endpoint;
  /** The endpoint's address in the API. */
  path: string;
  /** The view in which a new secret is shown. */
  at: string;
  reload: () => Promise<void>;
}

/** The secret that signs what an endpoint is sent: a new one, and the end of the one before. */
export function EndpointSecret({ endpoint, path, at, reload }: SecretProps) {
  const { error, act } = useAct();
  const section = useRef<HTMLElement>(null);
  const left = useLeft(endpoint.secret_previous_until);
  const rotate = async () => {
    if (!(await question(t.endpoints.rotateAsk, t.endpoints.rotate))) return;
    await act(async () => {
      const { body } = await ask<{ webhook_secret: string; previous_valid_until: string | null }>(path + "secret/rotate/", { method: "POST" });
      const until = body.previous_valid_until && clock(body.previous_valid_until);
      showOnce({ at, name: t.keys.secret, secret: body.webhook_secret, note: t.endpoints.rotatedHint(until) });
      announce(t.endpoints.rotated);
      await reload();
    });
  };
  const end = async () => {
    if (!(await question(t.endpoints.endAsk, t.endpoints.endNow))) return;
    await act(async () => {
      await ask(path + "secret/previous/", { method: "DELETE" });
      announce(t.endpoints.ended);
      focusSection(section.current);
      await reload();
    });
  };
  return (
    <section ref={section}>
      <h2 tabIndex={-1}>{t.keys.secret}</h2>
      <p>{t.endpoints.secretHint}</p>
      {endpoint.secret_previous_until && left > 0 && (
        <Notice
          tone="warn"
          actions={
            <Button onClick={end}>
              {t.endpoints.endNow}
            </Button>
          }
        >
          {t.endpoints.previous(clock(endpoint.secret_previous_until), counting(left))}
        </Notice>
      )}
      {error && <Notice>{error}</Notice>}
      <div class="actions">
        <Button icon="again" onClick={rotate}>
          {t.endpoints.rotate}
        </Button>
      </div>
    </section>
  );
}
