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
