import { useEffect } from "preact/hooks";
import { counting, now, tick, took } from "../../shared/time";
import type { AdminRequest } from "../types";

/** How long a request waited until a worker took it; it counts while it waits. */
export function Waited({ request }: { request: AdminRequest }) {
  if (request.status === "idle") return <Counting since={request.queued_at} />;
  const end = request.started_at ?? request.completed_at;
  return <>{end && took(Date.parse(end) - Date.parse(request.queued_at))}</>;
}

/** How long its worker took; it counts while it works. */
export function Answered({ request }: { request: AdminRequest }) {
  if (request.status === "executing" && request.started_at) return <Counting since={request.started_at} />;
  return <>{request.started_at && request.completed_at && took(Date.parse(request.completed_at) - Date.parse(request.started_at))}</>;
}

function Counting({ since }: { since: string }) {
  useEffect(tick, []);
  return <span class="mark accent">{counting(now.value - Date.parse(since))}</span>;
}
