package schema

// Words say what an install with this row did, as differences and simulations do:
// "purchase worth $3 to $10". Amounts are in currency; names that networks see are left
// out.
func (r Row) Words(currency string) string { return Level{Events: r.Events}.words(currency, false) }

// Words say what an install at this level did, with what it is estimated at.
func (l Level) Words(currency string) string { return l.words(currency, false) }

// Words say when the window ends early: "24 hours after it opens".
func (l Lock) Words() string { return l.words() }
