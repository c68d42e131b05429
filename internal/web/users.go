package web

import (
	"errors"
	"net/http"
	"time"

	"skand/internal/auth"
	"skand/internal/store"
)

// userRoutes are for admins of every app: whoever gives rights could give them all.
func (a *Admin) userRoutes() []route {
	if a.Sessions == nil {
		return nil
	}
	return []route{
		{"GET /v1/users", auth.Admin, a.users},
		{"POST /v1/users", auth.Admin, a.createUser},
		{"GET /v1/users/{user}", auth.Admin, a.user},
		{"PUT /v1/users/{user}", auth.Admin, a.changeUser},
		{"POST /v1/users/{user}:reset", auth.Admin, a.resetUser},
		{"DELETE /v1/users/{user}/sessions", auth.Admin, a.endUserSessions},
	}
}

// UserView is an account without its password, as the API and skand user show it.
type UserView struct {
	ID         string     `json:"id"`
	Email      string     `json:"email"`
	Role       auth.Role  `json:"role"`
	Apps       []int64    `json:"apps"` // []: every app
	Disabled   bool       `json:"disabled"`
	Password   bool       `json:"password"` // there is one
	Provider   string     `json:"provider"` // issuer that the person signs in at; "": none yet
	Version    int        `json:"version"`
	CreatedAt  time.Time  `json:"created_at"`
	CreatedBy  string     `json:"created_by"`
	ChangedAt  time.Time  `json:"changed_at"`
	SignedInAt *time.Time `json:"signed_in_at"`
}

// ViewOf is an account for people.
func ViewOf(a auth.Account) UserView {
	return UserView{
		ID: a.ID, Email: a.Email, Role: a.Role, Apps: appsOf(a.Apps), Disabled: a.Disabled, Password: a.Password != "", Provider: a.Issuer,
		Version: a.Version, CreatedAt: a.CreatedAt, CreatedBy: a.CreatedBy, ChangedAt: a.ChangedAt, SignedInAt: known(a.SignedInAt),
	}
}

func writeUser(w http.ResponseWriter, status int, a auth.Account) {
	w.Header().Set("ETag", etag(a.Version))
	writeJSON(w, status, ViewOf(a))
}

func (a *Admin) users(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	cursor, limit, _, ok := paging(w, r)
	if !ok {
		return
	}
	all, next, err := a.Accounts.Accounts(r.Context(), cursor, limit)
	views := make([]UserView, 0, len(all))
	for _, one := range all {
		views = append(views, ViewOf(one))
	}
	answerList(a, w, r, views, next, err)
}

func (a *Admin) user(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	one, err := a.Accounts.AccountByID(r.Context(), r.PathValue("user"))
	if err != nil {
		a.userFailed(w, r, err)
		return
	}
	writeUser(w, http.StatusOK, one)
}

// userFailed answers an error of the AccountKeeper.
func (a *Admin) userFailed(w http.ResponseWriter, r *http.Request, err error) {
	var stale *store.StaleAccount
	switch {
	case errors.Is(err, auth.ErrNoAccount):
		problem(w, http.StatusNotFound, "unknown_user", "there is no account of this id", "user")
	case errors.Is(err, store.ErrEmailTaken):
		problem(w, http.StatusConflict, "email_taken", store.ErrEmailTaken.Error(), "email")
	case errors.Is(err, store.ErrLastAdmin):
		problem(w, http.StatusConflict, "last_admin", store.ErrLastAdmin.Error(), "")
	case errors.As(err, &stale):
		w.Header().Set("ETag", etag(stale.Current.Version))
		problemWith(w, http.StatusPreconditionFailed, "stale", stale.Error(), "If-Match", map[string]any{"current": ViewOf(stale.Current)})
	default:
		a.failed(w, r, err)
	}
}

func (a *Admin) createUser(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Email    string  `json:"email"`
		Role     string  `json:"role"`
		Apps     []int64 `json:"apps"`
		Password string  `json:"password"` // "": the person signs in at the provider
	}
	if !readRequest(w, r, &in) {
		return
	}
	made, err := a.Sessions.Hasher.NewAccount(auth.Account{
		Email: in.Email, Role: auth.Role(in.Role), Apps: in.Apps, CreatedAt: a.Now(), CreatedBy: who.Name,
	}, in.Password)
	if err == nil && in.Password == "" && a.OpenID == nil {
		err = errors.New("password: give one; there is no provider to sign in at (oidc.issuer)")
	}
	if err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	if err := a.Accounts.CreateAccount(r.Context(), made); err != nil {
		a.userFailed(w, r, err)
		return
	}
	writeUser(w, http.StatusCreated, made)
}

// changeUser changes what the body names. Sessions end where rights have changed.
func (a *Admin) changeUser(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	match, ok := ifMatch(w, r)
	if !ok {
		return
	}
	var in struct {
		Role     *auth.Role `json:"role"`
		Apps     *[]int64   `json:"apps"`
		Disabled *bool      `json:"disabled"`
	}
	if !readRequest(w, r, &in) {
		return
	}
	role := auth.Viewer
	if in.Role != nil {
		role = *in.Role
	}
	var apps []int64
	if in.Apps != nil {
		apps = *in.Apps
	}
	if _, _, err := auth.CheckRights(role, apps); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "")
		return
	}
	changed, err := a.Accounts.ChangeAccount(r.Context(), r.PathValue("user"), match, store.AccountChange{Role: in.Role, Apps: in.Apps, Disabled: in.Disabled})
	if err != nil {
		a.userFailed(w, r, err)
		return
	}
	writeUser(w, http.StatusOK, changed)
}

// resetUser gives a password that is shown once, or takes the one given. The person's
// sessions end.
func (a *Admin) resetUser(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	var in struct {
		Password string `json:"password"`
	}
	if r.ContentLength != 0 && !readRequest(w, r, &in) {
		return
	}
	id := r.PathValue("user")
	one, err := a.Accounts.AccountByID(r.Context(), id)
	if err != nil {
		a.userFailed(w, r, err)
		return
	}
	answer := map[string]string{"id": one.ID, "email": one.Email}
	if in.Password == "" {
		in.Password = auth.MakePassword()
		answer["password"] = in.Password
	}
	if err := auth.CheckPassword(in.Password, one.Email); err != nil {
		problem(w, http.StatusUnprocessableEntity, "invalid", err.Error(), "password")
		return
	}
	if _, err := a.Accounts.SetPassword(r.Context(), id, a.Sessions.Hasher.Hash(in.Password)); err != nil {
		a.userFailed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (a *Admin) endUserSessions(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if _, ok := query(w, r); !ok {
		return
	}
	one, err := a.Accounts.AccountByID(r.Context(), r.PathValue("user"))
	if err != nil {
		a.userFailed(w, r, err)
		return
	}
	n, err := a.Accounts.EndSessions(r.Context(), one, "")
	if err != nil {
		a.failed(w, r, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int64{"ended": n})
}
