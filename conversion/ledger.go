package conversion

import (
	"context"
	"time"

	"github.com/shopspring/decimal"
)

// AppRules are an app's settings of the moment, as the consented side needs them.
type AppRules struct {
	Currency  string // "": nobody has described the app, nothing is converted
	Catalogue Catalogue
	Keeps     time.Duration                    // after it happened: what is older is not taken any more
	IsTest    func(idfa, idfv, id string) bool // of the app's own people
}

// Ledger is what the consented side keeps, inside one transaction of its store. Ids
// go in and come out in clear; that they are not kept so is the store's affair.
type Ledger interface {
	// Now is the time that what is written is stamped with.
	Now() time.Time
	// Rules of an app; the field's defaults where nobody has described it.
	Rules(ctx context.Context, appID int64) (*AppRules, error)
	// Rates of the currencies that hold on the day of a time.
	Rates(ctx context.Context, at time.Time, currencies ...string) (Rates, error)

	Keeper
	Touches
	Sender
}

// Keeper keeps items. Each Add reports false if the id is already there, in which
// case nothing changed.
type Keeper interface {
	AddClick(ctx context.Context, c *Click) (bool, error)
	// AddInstall keeps an install; an attributed one uses up its click.
	AddInstall(ctx context.Context, in *KeptInstall) (bool, error)
	AddEvent(ctx context.Context, e *KeptEvent) (bool, error)
	// AddConsent keeps a line of the consent of an install that may not be known yet.
	AddConsent(ctx context.Context, appID int64, installID, id string, c ConsentChange) (bool, error)
	// Click returns the click with this id, or nil.
	Click(ctx context.Context, appID int64, id string) (*Click, error)
	// Install returns the install with this id, or nil.
	Install(ctx context.Context, appID int64, id string) (*KeptInstall, error)
	// Installs returns those of a span of time, at most so many, in no order.
	Installs(ctx context.Context, appID int64, from, to time.Time, most int) ([]KeptInstall, error)
	// Events returns the events of an install, oldest first.
	Events(ctx context.Context, appID int64, installID string) ([]KeptEvent, error)
	// Consents returns the lines of an install's consent, oldest first.
	Consents(ctx context.Context, appID int64, installID string) ([]ConsentChange, error)
	// Decide replaces the decision of an install and gives back the click it used.
	Decide(ctx context.Context, in *KeptInstall) error
	// Judge replaces the flags of an event, and its amount in the app's currency.
	Judge(ctx context.Context, e *KeptEvent) error
	// Reconsent replaces what an install's consent decides: what is kept of it. What
	// was to be sent of it loses its identifiers, or is not sent, where that is
	// what the new consent says.
	Reconsent(ctx context.Context, in *KeptInstall) error
	// ItemID makes an id of what an item says, by a key of the store's own.
	ItemID(kind string, parts ...string) string
	// Erased reports whether the install was erased, or its device after the time.
	Erased(ctx context.Context, appID int64, installID string, d Device, when time.Time) (bool, error)
	// ErasedClick reports whether the click was erased with the install that it led
	// to, or its device after its time.
	ErasedClick(ctx context.Context, c *Click) (bool, error)
}

// Touches finds what attribution looks at.
type Touches interface {
	// Device is an install's as it is known again, of what its consent permits.
	Device(in *Install) Device
	// Known returns the earliest install from the same device that lies before this
	// one (by time, then by id), or nil.
	Known(ctx context.Context, in *KeptInstall) (*KnownDevice, error)
	// Named returns the click that the install names, or nil.
	Named(ctx context.Context, in *KeptInstall) (*Touch, error)
	// Matched returns the touches with the install's idfa that may be in a window of
	// any network.
	Matched(ctx context.Context, in *KeptInstall) ([]Touch, error)
	// Windows of the networks with these ids.
	Windows(ctx context.Context, networks []string) (func(networkID string) Windows, error)
	// Waiting returns the organic installs that name the click or have its idfa.
	Waiting(ctx context.Context, c *Click) ([]KeptInstall, error)
	// Free gives back the click that an install used.
	Free(ctx context.Context, in *KeptInstall) error
}

// Sender hands conversions to the forwarder, in this same transaction. What a
// destination already has under the same key is not handed over again.
type Sender interface {
	Enqueue(ctx context.Context, out Outgoing) error
}

// ConsentedStore runs f in one transaction, durable when it returns nil.
type ConsentedStore interface {
	// InLedger runs alone among the transactions of these apps, or beside others that
	// are not alone either. f may be run again.
	InLedger(ctx context.Context, apps []int64, alone bool, f func(Ledger) error) error
}

// judge says what the settings say of an event. installed is zero while its install
// is unknown.
func judge(ctx context.Context, l Ledger, e *KeptEvent, installed time.Time) error {
	rules, err := l.Rules(ctx, e.AppID)
	if err != nil {
		return err
	}
	e.RevenueApp, err = worth(ctx, l, rules.Currency, &e.Event)
	if err != nil {
		return err
	}
	e.Flags = rules.Catalogue.Judge(&e.Event, installed, e.RevenueApp)
	return nil
}

// worth is the revenue of an event in the app's currency; nil: none, or no rate says.
func worth(ctx context.Context, l Ledger, currency string, e *Event) (*decimal.Decimal, error) {
	if e.Revenue == nil || currency == "" {
		return nil, nil
	}
	if e.Currency == currency {
		return e.Revenue, nil
	}
	rates, err := l.Rates(ctx, e.Time, e.Currency, currency)
	if err != nil {
		return nil, err
	}
	v, ok := rates.Convert(*e.Revenue, e.Currency, currency, e.Time)
	if !ok {
		return nil, nil
	}
	return &v, nil
}
