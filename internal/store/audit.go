package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What the audit log tells of. A look at raw rows is told of as well.
const (
	ActApply           = "apply"
	ActTokenCreate     = "token.create"
	ActTokenRevoke     = "token.revoke"
	ActJobRun          = "job.run"
	ActReplay          = "replay"
	ActLabClock        = "lab.clock"
	ActDraftCreate     = "draft.create"
	ActDraftSave       = "draft.save"
	ActDraftDelete     = "draft.delete"
	ActPublish         = "schema.publish"
	ActRollBack        = "schema.rollback"
	ActSimulate        = "schema.simulate"
	ActPostbacksRead   = "postbacks.read"
	ActPostbackInspect = "postbacks.inspect"
	ActAppDelete       = "app.delete"
	ActAppErase        = "app.erase"
	ActRedecode        = "release.redecode"
	ActHoldsRead       = "holds.read"
	ActReview          = "install.review"
)

// AuditActions lists what the audit log tells of.
func AuditActions() []string {
	return []string{
		ActApply, ActTokenCreate, ActTokenRevoke, ActJobRun, ActReplay, ActLabClock, ActDraftCreate, ActDraftSave,
		ActDraftDelete, ActPublish, ActRollBack, ActSimulate, ActPostbacksRead, ActPostbackInspect, ActAppDelete, ActAppErase, ActRedecode, ActHoldsRead, ActReview, ActSubjectErase,
		ActInstallRead, ActRecompute, ActDeliveryRead, ActDeliveriesReplay, ActReconcile,
		ActDestinationResume, ActDestinationEnable, ActDestinationDisable,
		ActDestinationRollBack, ActDestinationRender, ActDestinationTest,
		ActSecretSet, ActSecretRotate, ActSecretEnd,
		ActSignIn, ActSignInFailed, ActSignOut, ActSessionEnd, ActUserCreate, ActUserChange, ActUserPassword,
	}
}

// Actor is who does something, and in which role.
type Actor struct{ Who, Role string }

// roleLocal is that of somebody who opens the store itself, beside the server: the
// rights are those of the file or of the database.
const roleLocal = "local"

// Local is who opens the store itself, by the name of a command.
func Local(who string) Actor { return Actor{Who: who, Role: roleLocal} }

type actorKey struct{}

// ActingAs names who acts in everything that is done under the context. The admin
// listener says it in one place for all of its routes, so no write can forget it.
func ActingAs(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// actor is who acts under ctx; without one it is local, under the name given.
func actor(ctx context.Context, local string) Actor {
	if a, ok := ctx.Value(actorKey{}).(Actor); ok {
		return a
	}
	return Local(local)
}

// AuditEntry is a line of the audit log. AppID 0: it concerns no single app.
type AuditEntry struct {
	ID     int64           `json:"id"`
	At     time.Time       `json:"at"`
	Who    string          `json:"who"`
	Role   string          `json:"role"` // local: without the admin listener
	Action string          `json:"action"`
	AppID  int64           `json:"app_id,omitempty"`
	Object string          `json:"object"`
	Detail json.RawMessage `json:"detail"`
}

// act is something to be told of; detail is what encoding/json writes as an object.
type act struct {
	action string
	appID  int64
	object string
	detail any
}

const auditSQL = `INSERT INTO audit_log (app_id, happened_at, who, role, action, object, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`

// audit tells of an act in the transaction that does it: neither is there without
// the other.
func audit(ctx context.Context, t *tx, who Actor, now time.Time, what act) error {
	detail, err := json.Marshal(what.detail)
	if err != nil {
		return fmt.Errorf("audit %s: %w", what.action, err)
	}
	_, err = t.ExecContext(ctx, t.q(auditSQL), what.appID, ms(now), who.Who, who.Role, what.action, what.object, string(detail))
	if err != nil {
		return fmt.Errorf("audit %s: %w", what.action, err)
	}
	return nil
}

// Audit tells of what is about to be done outside of this store's transactions: a
// job, a look at raw rows. It comes first, so that nothing is done untold; local
// names who acts where nobody authenticated.
func (s *Store) Audit(ctx context.Context, local, action string, appID int64, object string, detail any) error {
	return s.main.in(ctx, func(t *tx) error {
		return audit(ctx, t, actor(ctx, local), s.clock.Now(), act{action, appID, object, detail})
	})
}

// AuditFilter picks lines; zero members pick all. From is included, To is not.
type AuditFilter struct {
	AppID       int64
	Who, Action string
	From, To    time.Time
}

// AuditLog lists the audit log, the newest line first.
func (s *Store) AuditLog(ctx context.Context, f AuditFilter, cursor string, limit int) ([]AuditEntry, string, error) {
	where, args := []string{"1 = 1" + onlyGranted(ctx, "app_id")}, []any{}
	only := func(condition string, arg any) {
		where, args = append(where, condition), append(args, arg)
	}
	if cursor != "" {
		before, err := strconv.ParseInt(cursor, 10, 64)
		if err != nil {
			return nil, "", ErrCursor
		}
		only("id < ?", before)
	}
	if f.AppID != 0 {
		only("app_id = ?", f.AppID)
	}
	if !fitsText(f.Who) {
		return nil, "", nil // nobody's name
	}
	if f.Who != "" {
		only("who = ?", f.Who)
	}
	if f.Action != "" {
		only("action = ?", f.Action)
	}
	if !f.From.IsZero() {
		only("happened_at >= ?", ms(f.From))
	}
	if !f.To.IsZero() {
		only("happened_at < ?", ms(f.To))
	}
	text := `SELECT id, app_id, happened_at, who, role, action, object, detail FROM audit_log`
	text += " WHERE " + strings.Join(where, " AND ")
	var rows []struct {
		ID     int64  `db:"id"`
		AppID  int64  `db:"app_id"`
		At     int64  `db:"happened_at"`
		Who    string `db:"who"`
		Role   string `db:"role"`
		Action string `db:"action"`
		Object string `db:"object"`
		Detail string `db:"detail"`
	}
	if err := s.main.r.SelectContext(ctx, &rows, s.main.q(text+` ORDER BY id DESC LIMIT ?`), append(args, limit+1)...); err != nil {
		return nil, "", fmt.Errorf("read the audit log: %w", err)
	}
	out := make([]AuditEntry, len(rows))
	for i, r := range rows {
		out[i] = AuditEntry{r.ID, at(r.At), r.Who, r.Role, r.Action, r.AppID, r.Object, json.RawMessage(r.Detail)}
	}
	out, next := page(out, limit, func(e AuditEntry) string { return strconv.FormatInt(e.ID, 10) })
	return out, next, nil
}
