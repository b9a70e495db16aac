/** What a stream tells its reader. Nothing is told after it was closed. */
export interface Reader {
  opened(): void;
  /** An event, and its id ("" if it has none). */
  heard(data: unknown, id: string): void;
  /** It broke, and does not come back by itself. */
  broke(event: Event): void;
}

/** A stream of events. */
export interface Source {
  close(): void;
}

/** The address on the host that the page came from, whatever host `url` names; resumed after `lastEventId`. */
export function streamAddress(url: string, lastEventId: string, base: string): string {
  const address = new URL(url, base);
  if (lastEventId) address.searchParams.set("last_event_id", lastEventId);
  return address.pathname + address.search;
}

/** Reads a stream by Server-Sent Events. It is never left to connect again by itself: what to do then is the reader's. */
export function byEvents(address: string, reader: Reader): Source {
  const source = new EventSource(address);
  source.onopen = () => reader.opened();
  source.onmessage = (event: MessageEvent<string>) => reader.heard(JSON.parse(event.data), event.lastEventId);
  source.onerror = (event) => {
    source.close();
    reader.broke(event);
  };
  return source;
}

/** Reads the same stream by WebSocket, where each event has its id inside. `first` is sent at once. */
export function bySocket(address: string, reader: Reader, first?: unknown): Source {
  const url = new URL(address.replace("/api/sse/", "/ws/stream/"), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url);
  let closed = false;
  socket.onopen = () => {
    if (closed) return;
    if (first !== undefined) socket.send(JSON.stringify(first));
    reader.opened();
  };
  socket.onmessage = (event: MessageEvent<string>) => {
    if (closed) return;
    const data = JSON.parse(event.data) as { id?: string };
    reader.heard(data, data.id ?? "");
  };
  socket.onclose = (event) => {
    if (closed) return;
    closed = true;
    reader.broke(event);
  };
  return {
    close() {
      closed = true;
      socket.close();
    },
  };
}
