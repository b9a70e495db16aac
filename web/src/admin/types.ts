import type { ChatRequest } from "../shared/types";

/** A "GPT Account". */
export interface Account {
  id: number | string;
  email: string;
  webhook_url: string | null;
  active: boolean;
  created_at: string;
  updated_at: string;
  key_count: number;
  /** Until when the webhook secret before the last rotation still signs; null if there is none. */
  webhook_secret_previous_until: string | null;
}

/** What a key may do: `client` the chat API, `worker` the worker's socket. */
export type Scope = "client" | "worker";

/** An API key, without the key. */
export interface Key {
  id: number | string;
  name: string | null;
  /** Its first 8 characters. */
  prefix: string;
  scopes: Scope[];
  created_at: string;
  revoked_at: string | null;
}

/** A request as the panel lists it. */
export interface AdminRequest extends ChatRequest {
  account: { id: number | string; email: string };
  metadata: unknown;
  /** On what the worker bases the answer. */
  evidence: { source: "stream" | "dom" | "both"; complete: boolean; note?: string } | null;
}

/** A request with all that happened to it, oldest first. */
export interface RequestWithEvents {
  request: AdminRequest;
  events: RequestEvent[];
}

export type DeliveryStatus = "pending" | "failing" | "delivered" | "dead";

/** What the end of a request owes to one endpoint. */
export interface Delivery {
  id: number;
  webhook_id: string;
  request_id: string;
  account: number;
  endpoint: number;
  url: string;
  status: DeliveryStatus;
  next_try_at: string | null;
  /** Why it is not delivered. */
  error: string | null;
  /** Tries over its whole life. */
  tried: number;
  created_at: string;
  ended_at: string | null;
  /** Null in lists. */
  tries: Try[] | null;
}

/** Many deliveries being sent again. */
export interface Replay {
  id: number;
  status: "running" | "done" | "stopped";
  matching: number;
  replayed: number;
  skipped: number;
  created_at: string;
  ended_at: string | null;
}

/** Something that happened to a request. */
export interface RequestEvent {
  id: number | string;
  type: string;
  at: string;
  attempt: number | null;
  worker_id: string | null;
  data: unknown;
}

/** What an endpoint is told about; with none of them: both. */
export type EndpointEvent = "request.done" | "request.failed";

/** A webhook endpoint of an account; the primary one is the account's Webhook URL. */
export interface Endpoint {
  id: number;
  primary: boolean;
  /** Empty where the Webhook URL was taken away. */
  url: string;
  events: EndpointEvent[];
  /** Its own headers; a value is never told again, it comes as ••••. */
  headers: Record<string, string>;
  /** Tries a minute; 0 for no limit. */
  rate_limit: number;
  enabled: boolean;
  status: "on" | "off" | "failing" | "on_hold";
  /** Why the server switched it off; null where a person did. */
  disabled_reason: string | null;
  failing_since: string | null;
  hold_until: string | null;
  /** Until when the secret before the last rotation is valid too. */
  secret_previous_until: string | null;
  /** What it is owed or did not get; null in lists. */
  counts: { pending: number; failing: number; dead: number } | null;
}

/** One try of a delivery, or a test. */
export interface Try {
  number: number;
  at: string;
  duration_ms: number;
  /** Null where no answer came. */
  status: number | null;
  error: string | null;
  request_headers: Record<string, string> | null;
  response_headers: Record<string, string> | null;
  /** Its first 4 KiB. */
  response_body: string;
}

/** A worker as the panel lists it. */
export interface Worker {
  worker_id: string;
  account: { id: number | string; email: string };
  name: string;
  version: string;
  site: string;
  dialect: "chatbridge.v1" | "guide";
  connected: boolean;
  node: string;
  capacity: number;
  /** Empty: all. */
  response_types: string[];
  /** When it connected last. */
  hello_at: string;
  /** Why it is paused, as an error code; null if it is not. */
  pause: string | null;
  /** Null: until its health is good again. */
  paused_until: string | null;
  health: { logged_in: boolean; page_ok: boolean; limited_until: string | null; matched?: unknown } | null;
  leases: WorkerLease[];
}

/** A request that a worker holds. */
export interface WorkerLease {
  request_id: string;
  attempt: number;
  taken_at: string;
  /** Null before it. */
  may_be_sent_at: string | null;
  expires_at: string;
  cancelled: boolean;
}

/** What a worker finds of one hook of its page. */
export interface Hook {
  name: string;
  found: boolean;
  alternative: string;
  /** When it is to be there, in the extension's words; empty: always. */
  wanted_on?: string;
}

/** What matters now and of the last 24 hours. Lengths in milliseconds. */
export interface Overview {
  now: string;
  queue: { idle: number; executing: number };
  /** 24 hours, the oldest first; the last one is under way. */
  hours: { hour: string; done: number; failed: number }[];
  wait_ms: { p50: number; p95: number } | null;
  answer_ms: { p50: number; p95: number } | null;
  failures: { code: string; count: number }[];
  workers: { connected: number; paused: number; total: number };
  deliveries: { pending: number; failing: number; dead: number };
  endpoints: UnwellEndpoint[];
  /** The figures of the day are of the newest requests only. */
  sampled: boolean;
  first_run: FirstRunFacts;
}

/** An endpoint that does not get what it is owed. */
export interface UnwellEndpoint {
  id: number;
  account: { id: number; email: string };
  url: string;
  status: "failing" | "on_hold" | "off";
  failing_since: string | null;
  hold_until: string | null;
  disabled_reason: string | null;
}

/** How far whoever sets the server up has come. */
export interface FirstRunFacts {
  account: boolean;
  worker_seen: boolean;
  worker_connected: boolean;
  answered: boolean;
  delivered: boolean;
}
