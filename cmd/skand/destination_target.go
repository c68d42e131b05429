package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"skand/internal/apply"
	"skand/internal/store"
)

// onDestination asks a server (what asks it), or opens the store for do, and says of
// which destination an error is. id "" is all of them.
func onDestination(cmd *cobra.Command, t *target, id string, ask func() error, do func(s *store.Store) error) error {
	if t.remote() {
		return destinationRefused(cmd, id, ask())
	}
	app, err := t.app(cmd)
	if err != nil {
		return err
	}
	cmd.SetContext(store.ActingAs(cmd.Context(), store.Local("skand destination")))
	return errors.Join(destinationRefused(cmd, id, do(app.store)), app.Close())
}

// What stands in the way of an act, by the error of the store and by the code of a
// server, and what to do at a terminal.
var inTheWay = []struct {
	err  error
	code string
	says string
}{
	{store.ErrNoDestination, "unknown_destination", "there is no such destination; see `skand destination list`"},
	{store.ErrNoDestinationVersion, "unknown_version", "it never had this version; see `skand destination versions %s`"},
	{store.ErrDestinationDisabled, "destination_disabled",
		"it is disabled, which resume does not end; when the cause is gone: `skand destination enable %s`"},
	{store.ErrDestinationOff, "destination_off", "its definition has enabled: false; apply it with enabled: true"},
	{nil, "secret_missing", "nothing to sign with: its secret is neither stored nor in the environment of `skand serve`; `skand secret set %s < FILE`"},
}

func destinationRefused(cmd *cobra.Command, id string, err error) error {
	if err == nil {
		return nil
	}
	var answered *refusal
	var refused *apply.Refused
	code := ""
	if errors.As(err, &answered) {
		code = answered.Code
		if answered.Field != "" {
			err = fmt.Errorf("%s: %w", answered.Field, err)
		}
	}
	for _, w := range inTheWay {
		if w.err != nil && errors.Is(err, w.err) || code == w.code {
			err = errors.New(strings.ReplaceAll(w.says, "%s", id))
			break
		}
	}
	if errors.As(err, &refused) {
		err = errors.New(inOneLine(refused.Error()))
	}
	what := "destination " + cmd.Name()
	if id != "" {
		what += " " + id
	}
	return fmt.Errorf("%s: %w", what, err)
}

func destinationPath(id, rest string) string { return "/v1/destinations/" + url.PathEscape(id) + rest }

// listPage is how many are asked for at a time.
const listPage = 1000

// allPages reads a list of the admin listener to its end.
func allPages[T any](cmd *cobra.Command, t *target, path string) (all []T, err error) {
	cursor := ""
	for {
		q := url.Values{"limit": {fmt.Sprint(listPage)}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		raw, err := t.get(cmd.Context(), path+"?"+q.Encode())
		if err != nil {
			return nil, err
		}
		var page struct {
			Data []T     `json:"data"`
			Next *string `json:"next_cursor"`
		}
		if err := json.Unmarshal(raw, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if page.Next == nil {
			return all, nil
		}
		cursor = *page.Next
	}
}

// getInto reads one object of the admin listener.
func (t *target) getInto(cmd *cobra.Command, path string, into any) error {
	raw, err := t.call(cmd.Context(), http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// everyPage reads a list of the store to its end.
func everyPage[T any](read func(cursor string) ([]T, string, error)) (all []T, err error) {
	for cursor := ""; ; {
		data, next, err := read(cursor)
		all = append(all, data...)
		if err != nil || next == "" {
			return all, err
		}
		cursor = next
	}
}
