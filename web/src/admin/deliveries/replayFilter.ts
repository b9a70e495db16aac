import { apiQuery, type Values } from "../list/filters";

/** What the API takes as the filter of a replay; empty values are left out. */
export interface ReplayFilter {
  account?: number;
  endpoint?: number;
  status?: string[];
  from?: string;
  to?: string;
  request_id?: string;
}

/** The list's filters as a replay's. `at` is the time now, in milliseconds. */
export function replayFilter(values: Values, at: number): ReplayFilter {
  const { account, endpoint, status, from, to, request_id } = apiQuery(values, at);
  return {
    ...(account && { account: Number(account) }),
    ...(endpoint && { endpoint: Number(endpoint) }),
    ...(status && { status: status.split(",") }),
    ...(from && { from }),
    ...(to && { to }),
    ...(request_id && { request_id }),
  };
}
