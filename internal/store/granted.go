package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ErrNotGranted is returned where somebody who may see some apps only asks for what
// can't be told of those apps alone.
var ErrNotGranted = errors.New("this needs a right on every app, or on another app")

type grantedKey struct{}

// GrantedApps bounds everything that is done under the context to some apps: lists
// leave out what is of others. nil bounds nothing. The admin listener says it in one
// place for all of its routes, as it says who acts.
func GrantedApps(ctx context.Context, apps []int64) context.Context {
	if apps == nil {
		return ctx
	}
	return context.WithValue(ctx, grantedKey{}, apps)
}

// granted are the apps that ctx is bounded to; false: to none in particular.
func granted(ctx context.Context) ([]int64, bool) {
	apps, ok := ctx.Value(grantedKey{}).([]int64)
	return apps, ok
}

// mayApp reports whether an app is within what ctx is bounded to.
func mayApp(ctx context.Context, appID int64) bool {
	apps, bounded := granted(ctx)
	return !bounded || slices.Contains(apps, appID)
}

// needApp is for what is read of one app, or of all of them where appID is 0.
func needApp(ctx context.Context, appID int64) error {
	if !mayApp(ctx, appID) {
		return ErrNotGranted
	}
	return nil
}

// onlyGranted is a condition that leaves out the rows of other apps, "" where ctx is
// not bounded. The ids are numbers of ours, so they can stand in the text.
func onlyGranted(ctx context.Context, column string) string {
	apps, bounded := granted(ctx)
	if !bounded {
		return ""
	}
	ids := make([]string, 0, len(apps)+1)
	ids = append(ids, "-1") // no app: an empty list is no SQL
	for _, id := range apps {
		ids = append(ids, strconv.FormatInt(id, 10))
	}
	return " AND " + column + " IN (" + strings.Join(ids, ", ") + ")"
}

// ErrNoRelease is returned for a release that is not in the public ledger.
var ErrNoRelease = errors.New("no such release")

// ReleaseApp is the app of a release.
func (s *Store) ReleaseApp(ctx context.Context, id string) (app int64, err error) {
	if !fitsText(id) {
		return 0, ErrNoRelease
	}
	err = s.pub.r.GetContext(ctx, &app, s.pub.q(`SELECT app_id FROM `+s.pub.table("release")+` WHERE release_id = ?`), id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoRelease
	}
	if err != nil {
		return 0, fmt.Errorf("app of release %s: %w", id, err)
	}
	return app, nil
}

// RowApp is the app of a published row; ErrNoRelease where there is none.
func (s *Store) RowApp(ctx context.Context, row string) (app int64, err error) {
	if !fitsText(row) {
		return 0, ErrNoRelease
	}
	release, _, _ := strings.Cut(row, "/") // its id begins with that of its release
	err = s.pub.r.GetContext(ctx, &app, s.pub.q(`SELECT app_id FROM `+s.pub.table("cohort")+` WHERE release_id = ? AND row_id = ?`), release, row)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, ErrNoRelease
	}
	if err != nil {
		return 0, fmt.Errorf("app of row %s: %w", row, err)
	}
	return app, nil
}
