// What the server sends, as far as the pages read it. Times are RFC 3339 in UTC; what is absent is null.

/** Where a request is. `done` and `failed` never change. */
export type Status = "idle" | "executing" | "done" | "failed";

/** How far the worker is with a request. */
export type Phase = "opening" | "typing" | "submitted" | "answering";

/** Which kind of answer is asked for. */
export type ResponseType = "auto" | "instant" | "thinking";

/** How long a thinking answer may think. */
export type ThinkingTime = "standard" | "extended";

/** Why an idle request waits. */
export interface Waiting {
  reason: "no_worker" | "paused" | "busy" | "chat_busy";
  until: string | null;
}

/** One conversation. */
export interface Chat {
  id: number;
  chat_id: string | null;
  title: string | null;
  created_at: string;
  updated_at: string;
  unfinished: number;
}

/** How the worker came to an answer. */
export interface Evidence {
  source: "stream" | "dom" | "both";
  complete: boolean;
}

/** One message and its answer. */
export interface ChatRequest {
  id: string;
  /** Null once the texts of the request were cleaned up. */
  message: string | null;
  response_type: ResponseType;
  thinking_time: ThinkingTime;
  status: Status;
  phase: Phase | null;
  waiting: Waiting | null;
  response: string | null;
  partial_response: string | null;
  error_message: string | null;
  error_code: string | null;
  retry_after: number | null;
  chat: Chat | null;
  attempt: number | null;
  mode_used: string | null;
  evidence: Evidence | null;
  queued_at: string;
  started_at: string | null;
  may_be_sent_at: string | null;
  completed_at: string | null;
  stream_url: string;
}

/** An event of a request's stream. */
export type StreamEvent =
  | { type: "connected"; request_id: string }
  | { type: "status"; status: "idle" | "executing"; phase?: Phase | null; attempt?: number; away?: boolean; reason?: string; waiting?: Waiting | null }
  | { type: "delta"; offset: number; text: string }
  | StreamEnd;

/** The last event of a request's stream. */
export interface StreamEnd {
  type?: "done" | "failed";
  status: "done" | "failed";
  response: string | null;
  error: string | null;
  error_code?: string | null;
  retry_after?: number | null;
  partial_response?: string | null;
  may_be_sent_at?: string | null;
  completed_at?: string | null;
  chat_id?: string | null;
  chat_title?: string | null;
}
