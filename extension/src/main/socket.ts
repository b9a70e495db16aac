import type { Send } from "./reader";

/** A longer message is none of an answer's pieces. */
const MAX_MESSAGE = 16_777_216;

/**
 * Passes on what the page receives by sockets of the site, for answers that go on there after a hand-over. The page gets
 * real sockets; only their messages are listened to beside it.
 */
export function watchSockets(mark: () => string, send: Send): void {
  const listen = EventTarget.prototype.addEventListener;
  const Native = window.WebSocket;
  const Watched: typeof WebSocket = new Proxy(Native, {
    construct(native, args: ConstructorParameters<typeof WebSocket>, target) {
      const socket = Reflect.construct(native, args, target) as WebSocket;
      if (isOfSite(socket.url)) {
        let used = false;
        listen.call(socket, "message", (event) => {
          const { data } = event as MessageEvent<unknown>;
          if (typeof data !== "string" || data.length > MAX_MESSAGE || !data.includes(mark())) return;
          used = true;
          send({ t: "socket", text: data });
        });
        listen.call(socket, "close", () => used && send({ t: "socket_closed" }));
      }
      return socket;
    },
  });
  // So that `socket.constructor === WebSocket` stays true for the page.
  Native.prototype.constructor = Watched;
  window.WebSocket = Watched;
}

function isOfSite(address: string): boolean {
  try {
    const { hostname } = new URL(address);
    return hostname === location.hostname || hostname.endsWith(`.${location.hostname}`) || hostname.endsWith(".openai.com");
  } catch {
    return false;
  }
}
