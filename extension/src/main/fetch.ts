import { matchPaths } from "../pack/paths";
import type { Kind, Paths } from "./channel";
import type { Send } from "./reader";

/** A longer body is not passed on; the message in it is then not compared. */
const MAX_BODY = 8_388_608;
/** Of a refusal the beginning says what it is. */
const MAX_REFUSAL = 65_536;
/** A chat read back whole; of a longer one there is still the page. */
const MAX_READ = 33_554_432;

// Taken before any script of the page can put others in their place.
const NativeResponse = Response;
const { clone } = NativeResponse.prototype;
const NativeDecoder = TextDecoder;
const NativeRequest = Request;
const NativeURL = URL;
const { apply } = Reflect;

/**
 * Passes on what the page's own calls of interest receive. The page gets the very promise and response that it would
 * have got: a copy is read beside it, so that url, type, errors and the pace are the site's.
 */
export function watchFetch(paths: () => Paths, send: Send): void {
  let count = 0;
  window.fetch = new Proxy(window.fetch, {
    apply(native, self, args: Parameters<typeof fetch>) {
      let seen: { kind: Kind; path: string; body: string | null } | null = null;
      try {
        seen = interest(args, paths());
      } catch {
        // What fetch itself will say of such arguments is the page's to hear.
      }
      if (!seen) return apply(native, self, args) as Promise<Response>;
      const id = ++count;
      send({ t: "call", id, ...seen });
      const promise = apply(native, self, args) as Promise<Response>;
      promise.then(
        (response) => void pass(response, id, seen.kind, send),
        () => send({ t: "close", id, error: true }),
      );
      return promise;
    },
  });
}

function interest([input, init]: Parameters<typeof fetch>, { send, resume, read }: Paths): { kind: Kind; path: string; body: string | null } | null {
  const request = input instanceof NativeRequest ? input : null;
  const url = new NativeURL(request ? request.url : String(input), document.baseURI);
  if (url.origin !== location.origin) return null;
  const method = (init?.method ?? request?.method ?? "GET").toUpperCase();
  const path = url.pathname;
  if (method === "POST" && matchPaths(send, path)) {
    const body = init?.body;
    return { kind: "send", path, body: typeof body === "string" && body.length <= MAX_BODY ? body : null };
  }
  if (matchPaths(resume, path)) return { kind: "resume", path, body: null };
  if (method === "GET" && matchPaths(read, path)) return { kind: "read", path, body: null };
  return null;
}

async function pass(response: Response, id: number, kind: Kind, send: Send): Promise<void> {
  try {
    const { status, headers } = response;
    const stream = (headers.get("content-type") ?? "").includes("text/event-stream");
    send({ t: "open", id, status, stream, retryAfter: headers.get("retry-after") });
    const limit = stream ? Infinity : status >= 400 ? MAX_REFUSAL : kind === "read" ? MAX_READ : MAX_REFUSAL;
    // Cloned in the first step after the response came: nobody has begun to read it.
    const body = (apply(clone, response, []) as Response).body;
    if (body) {
      const reader = body.getReader();
      const decoder = new NativeDecoder();
      let length = 0;
      for (;;) {
        const { done, value } = await reader.read();
        const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
        length += text.length;
        if (text !== "" && length <= limit) send({ t: "piece", id, text });
        if (done) break;
      }
    }
    send({ t: "close", id, error: false });
  } catch {
    // The connection broke, or the page gave it up; its own copy tells it so.
    send({ t: "close", id, error: true });
  }
}
