package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"chatbridge/internal/bridge"
)

// registerAdmin registers the panel's API.
func (s *Server) registerAdmin(api huma.API) {
	const get, post, patch, remove = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete
	admin(s, api, open("session", get, "/session/", "Is anyone logged in?", 200), s.adminSession)
	admin(s, api, open("login", post, "/session/", "Log in with the password", 204), s.adminLogin)
	admin(s, api, secured("logout", remove, "/session/", "Log out", 204), s.adminLogout)
	admin(s, api, secured("password", post, "/password/", "Change the password; every other session ends", 204), s.adminPassword)
	admin(s, api, open("setup", post, "/setup/", "Set the password with a one-time link", 204), s.adminSetup)
	admin(s, api, secured("overview", get, "/overview/", "Get the figures of the last 24 hours, and what is not well", 200), s.adminOverview)
	admin(s, api, secured("accounts", get, "/accounts/", "List the GPT Accounts", 200), s.adminAccounts)
	admin(s, api, secured("create-account", post, "/accounts/", "Create a GPT Account", 201), s.adminCreateAccount)
	admin(s, api, secured("account", get, "/accounts/{id}/", "Get a GPT Account", 200), s.adminAccount)
	admin(s, api, secured("update-account", patch, "/accounts/{id}/", "Change a GPT Account", 200), s.adminUpdateAccount)
	admin(s, api, secured("keys", get, "/accounts/{id}/keys/", "List an account's keys", 200), s.adminKeys)
	admin(s, api, secured("add-key", post, "/accounts/{id}/keys/", "Make a key", 201), s.adminAddKey)
	admin(s, api, secured("revoke-key", remove, "/accounts/{id}/keys/{key_id}/", "Revoke a key", 204), s.adminRevokeKey)
	admin(s, api, secured("rotate-secret", post, "/accounts/{id}/secret/rotate/", "Rotate the Webhook URL's secret", 200), s.adminRotate)
	admin(s, api, secured("end-previous-secret", remove, "/accounts/{id}/secret/previous/", "End the old secret of the Webhook URL now", 204), s.adminEndPrevious)
	admin(s, api, secured("endpoints", get, "/accounts/{id}/endpoints/", "List an account's webhook endpoints", 200), s.adminEndpoints)
	admin(s, api, secured("create-endpoint", post, "/accounts/{id}/endpoints/", "Add an endpoint", 201), s.adminCreateEndpoint)
	admin(s, api, secured("endpoint", get, "/accounts/{id}/endpoints/{endpoint_id}/", "Get an endpoint, with what it is owed", 200), s.adminEndpoint)
	admin(s, api, secured("update-endpoint", patch, "/accounts/{id}/endpoints/{endpoint_id}/", "Change an endpoint", 200), s.adminUpdateEndpoint)
	admin(s, api, secured("remove-endpoint", remove, "/accounts/{id}/endpoints/{endpoint_id}/", "Remove an endpoint; what it is owed is given up", 204), s.adminRemoveEndpoint)
	admin(s, api, secured("rotate-endpoint-secret", post, "/accounts/{id}/endpoints/{endpoint_id}/secret/rotate/", "Rotate an endpoint's secret", 200), s.adminRotateEndpoint)
	admin(s, api, secured("end-previous-endpoint-secret", remove, "/accounts/{id}/endpoints/{endpoint_id}/secret/previous/", "End an endpoint's old secret now", 204), s.adminEndPreviousOf)
	admin(s, api, secured("test-endpoint", post, "/accounts/{id}/endpoints/{endpoint_id}/test/", "Send a sample message to an endpoint, and see what comes back", 200), s.adminTestEndpoint)
	admin(s, api, secured("chats", get, "/accounts/{id}/chats/", "List an account's chats, newest activity first", 200), s.adminChats)
	admin(s, api, secured("requests", get, "/requests/", "List requests of all accounts, newest first", 200), s.adminRequests)
	admin(s, api, secured("request", get, "/requests/{id}/", "Get a request with its events", 200), s.adminRequest)
	admin(s, api, secured("cancel-request", post, "/requests/{id}/cancel/", "Cancel a request", 200), s.adminCancelRequest)
	admin(s, api, secured("deliveries", get, "/deliveries/", "List deliveries, newest first; with request_id that request's, oldest first, with their tries", 200), s.adminDeliveries)
	admin(s, api, secured("delivery", get, "/deliveries/{id}/", "Get a delivery with its tries", 200), s.adminDelivery)
	admin(s, api, secured("replay-delivery", post, "/deliveries/{id}/replay/", "Send a delivery again, with the same webhook-id", 200), s.adminReplayDelivery)
	admin(s, api, secured("replay-deliveries", post, "/deliveries/replay/", "Send many deliveries again, or count them first", 200), s.adminReplayDeliveries)
	admin(s, api, secured("replays", get, "/replays/", "List replays of many, newest first", 200), s.adminReplays)
	admin(s, api, secured("replay", get, "/replays/{id}/", "Get a replay: how far it is", 200), s.adminReplay)
	admin(s, api, secured("stop-replay", post, "/replays/{id}/stop/", "Stop a replay; what it has sent again stays so", 200), s.adminStopReplay)
	admin(s, api, secured("workers", get, "/workers/", "List workers, with what they hold", 200), s.adminWorkers)
	admin(s, api, secured("doctor", post, "/accounts/{id}/workers/{worker_id}/doctor/", "Have a worker say what of its page it finds", 200), s.adminDoctor)
	admin(s, api, secured("pack", get, "/pack/", "Get the selector pack that was published last", 200), s.adminPack)
	admin(s, api, secured("publish-pack", post, "/pack/", "Publish a selector pack: every extension is handed it at once", 201), s.adminPublishPack)
	huma.Register(api, extensionOperation(), s.adminExtension)
	admin(s, api, secured("audit", get, "/audit/", "List who changed what, newest first", 200), s.adminAudit)
	admin(s, api, secured("tokens", get, "/tokens/", "List the admin tokens", 200), s.adminTokens)
	admin(s, api, secured("create-token", post, "/tokens/", "Make an admin token", 201), s.adminCreateToken)
	admin(s, api, secured("revoke-token", remove, "/tokens/{id}/", "Revoke an admin token", 204), s.adminRevokeToken)
	admin(s, api, secured("settings", get, "/settings/", "List the settings in force", 200), s.adminSettings)
}

// secured describes an operation for a session or an admin token.
func secured(id, method, path, summary string, status int) huma.Operation {
	op := open(id, method, path, summary, status)
	op.Security = []map[string][]string{{"session": {}}, {"bearer": {}}}
	return op
}

// open describes an operation for everybody.
func open(id, method, path, summary string, status int) huma.Operation {
	return huma.Operation{OperationID: "admin-" + id, Method: method, Path: "/api/admin" + path, Summary: summary, Tags: []string{"Admin"},
		DefaultStatus: status, SkipValidateBody: true, Errors: []int{400, 401, 403, 404, 409, 429, 503}}
}

// admin registers an operation whose errors are the domain's.
func admin[I, O any](s *Server, api huma.API, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err != nil {
			return nil, problemOf(s.o.Log, err)
		}
		return out, nil
	})
}

// body is an answer that is nothing but its body.
type body[T any] struct{ Body T }

// list is one page of a list.
type list[T any] struct {
	Link         string `header:"Link" doc:"The next page, with rel=\"next\", if there is one"`
	LookedBackTo string `header:"Looked-Back-To" doc:"Of a search that is not at its end: it looked at what is newer than this time"`
	Body         []T
}

// before reads a cursor that is an id: the page begins behind it. Errors: Invalid.
func (p Paging) before() (int64, error) {
	if p.Cursor == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(p.Cursor, 36, 64)
	if err != nil || id < 1 {
		return 0, badCursor()
	}
	return id, nil
}

// page cuts what was read with a limit of one more down to the page, and makes
// the link to the next one.
func page[T any](ctx context.Context, p Paging, all []T, id func(T) int64) ([]T, string) {
	if len(all) <= p.Limit {
		return all, ""
	}
	all = all[:p.Limit]
	return all, nextLink(ctx, strconv.FormatInt(id(all[len(all)-1]), 36))
}

func invalidField(field, sentence string) error {
	return &bridge.Error{Kind: bridge.Invalid, Code: "invalid", Detail: sentence, Fields: map[string][]string{field: {sentence}}}
}

// inField is an error of a check, told as one of the field that was checked.
func inField(field string, err error) error {
	if err == nil {
		return nil
	}
	e := *bridge.AsError(err)
	if e.Kind == bridge.Invalid {
		e.Code, e.Fields = "invalid", map[string][]string{field: {e.Detail}}
	}
	return &e
}

// maxName is the most characters of a name that people give to keys and tokens.
const maxName = 100

// checkName checks such a name. Errors: Invalid.
func checkName(name string) error {
	switch {
	case utf8.RuneCountInString(name) > maxName:
		return invalidField("name", fmt.Sprintf("The name is longer than %d characters. Choose a shorter one.", maxName))
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return invalidField("name", "The name contains a control character. Remove it.")
	}
	return nil
}
