import { signal } from "@preact/signals";
import { ApiError, call, sentence, type Call, type Reply } from "../shared/api";
import { answered, unanswered } from "./connection";

/** Whether this browser is logged in. `setup`: no password is set yet. */
export type Session = { state: "loading" | "in" | "out" | "setup" } | { state: "failed"; error: string };

export const session = signal<Session>({ state: "loading" });

/** The session ended while pages were shown: the form then lies over them, and input is kept. */
export const ended = signal(false);

/** Raised at each log-in: what could not be loaded without a session is loaded again. */
export const logIns = signal(0);

/** Asks the server who we are. */
export async function lookUp(): Promise<void> {
  session.value = { state: "loading" };
  try {
    const { body } = await call<{ authenticated: boolean; setup_needed: boolean }>("/api/admin/session/");
    session.value = { state: body.authenticated ? "in" : body.setup_needed ? "setup" : "out" };
  } catch (error) {
    session.value = { state: "failed", error: sentence(error) };
  }
}

function entered(): void {
  session.value = { state: "in" };
  ended.value = false;
  logIns.value++;
}

/** Logs in. Throws ApiError: 401 for a wrong password, 429 after too many tries. */
export async function logIn(password: string): Promise<void> {
  await call("/api/admin/session/", { method: "POST", body: { password } });
  entered();
}

/** Sets the first password with the token of a one-time link, and logs in. Throws ApiError: 410 for a link that is used up. */
export async function setUp(token: string, password: string): Promise<void> {
  await call("/api/admin/setup/", { method: "POST", body: { token, password } });
  entered();
}

/** Logs out. Throws ApiError if the server could not be told. */
export async function logOut(): Promise<void> {
  await call("/api/admin/session/", { method: "DELETE" });
  session.value = { state: "out" };
}

/** Calls the admin API. A 401 asks for the password again. Throws as `call` does. */
export async function ask<T>(path: string, options?: Call): Promise<Reply<T>> {
  try {
    const reply = await call<T>(path, options);
    answered();
    return reply;
  } catch (error) {
    if (error instanceof ApiError) (error.status === 0 ? unanswered : answered)();
    if (error instanceof ApiError && error.status === 401) ended.value = true;
    throw error;
  }
}
