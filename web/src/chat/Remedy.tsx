import { useEffect } from "preact/hooks";
import { Icon } from "../shared/icons";
import { counting, now, tick } from "../shared/time";
import type { ChatRequest } from "../shared/types";
import { Button, CopyButton } from "../shared/ui";
import { remedy } from "../shared/words";
import { edit, editInNewChat, sendAgain, sending, useAuto } from "./state";
import { t } from "./texts";

/** Where the answers come from. A person goes there by hand; nothing is ever done there for them. */
const SITE = "https://chatgpt.com/";

/** What can't be done once the message was cleaned up. */
const NEED_MESSAGE: ReadonlySet<ReturnType<typeof remedy>> = new Set(["edit", "auto", "new_chat", "again"] as const);

/** What can be done about a failed request, as one button. */
export function RemedyButton({ request }: { request: ChatRequest }) {
  const { message } = request;
  const way = remedy(request);
  if (message === null && NEED_MESSAGE.has(way)) return null;
  switch (way) {
    case "edit":
      return (
        <Button icon="edit" onClick={() => edit(message ?? "")}>
          {t.turn.edit}
        </Button>
      );
    case "auto":
      return (
        <Button disabled={sending.value} onClick={() => useAuto(request)}>
          {t.turn.auto}
        </Button>
      );
    case "new_chat":
      return <Button onClick={() => editInNewChat(message ?? "")}>{t.turn.newChat}</Button>;
    case "site":
      return <SiteLink href={SITE}>{t.turn.site}</SiteLink>;
    case "look":
      return (
        <>
          <SiteLink href={chatAtSite(request)}>{t.turn.look}</SiteLink>
          <span class="meta">{t.turn.lookWhy}</span>
        </>
      );
    case "update":
      return (
        <a class="button" href="/admin/workers/">
          {t.turn.update}
        </a>
      );
    case "copy_id":
      return <CopyButton text={request.id}>{t.turn.copyId}</CopyButton>;
    case "again":
      return <AgainButton request={request} />;
  }
}

/** The chat at the site, where it has an id there. */
function chatAtSite({ chat }: ChatRequest): string {
  return chat?.chat_id && /^[\w-]{8,64}$/.test(chat.chat_id) ? `${SITE}c/${chat.chat_id}` : SITE;
}

function SiteLink({ href, children }: { href: string; children: string }) {
  return (
    <a class="button" href={href} target="_blank" rel="noopener noreferrer">
      <Icon name="site" />
      {children}
    </a>
  );
}

/** Sends the message again, where the site set a limit only after it. */
function AgainButton({ request }: { request: ChatRequest }) {
  const at = request.retry_after !== null && request.completed_at !== null ? Date.parse(request.completed_at) + request.retry_after * 1000 : 0;
  const left = at - now.value;
  const counts = left > 0;
  useEffect(() => (counts ? tick() : undefined), [counts]);
  return (
    <Button icon="again" disabled={counts || sending.value} onClick={() => sendAgain(request)}>
      {counts ? t.turn.againIn(counting(left)) : t.turn.again}
    </Button>
  );
}
