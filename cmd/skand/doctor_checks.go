package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"skand/internal/config"
	"skand/internal/store"
	"skand/skan"
)

// A clock that is this wrong cuts windows at wrong hours and sends expired tokens.
const (
	clockWarn = 5 * time.Second
	clockFail = 5 * time.Minute
)

// released is a day that no right clock has yet to reach.
var released = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// lowSpace is when a full disk is near enough to be spoken of: a busy receiver
// writes a gigabyte in a few hours.
const (
	lowSpace  = 5 << 30
	noneSpace = 64 << 20
)

func (d *doctor) config(cfg config.Config, err error) {
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			d.say(levelFail, "config", "skand.yaml, SKAND_… and flags", line, "correct it, then run `skand doctor` again")
		}
		return
	}
	d.say(levelOK, "config", "skand.yaml, SKAND_… and flags", "loads; this process does "+strings.Join(cfg.Roles, ", "), "")
	if len(cfg.TrustedProxies) == 0 {
		d.say(levelOK, "config", "trusted_proxies", "empty: every sender is taken for what its connection says",
			"behind a load balancer name it here, or all senders share its address and its bounds")
	}
	if cfg.AdminToken != "" && len(cfg.AdminToken) < 32 {
		d.say(levelWarn, "config", "SKAND_ADMIN_TOKEN", "is short enough to be guessed", "use 32 random characters or more")
	}
}

func (d *doctor) clock(x *store.Examination) {
	now := d.now()
	where := "this machine, " + now.Format(time.RFC3339)
	switch off := now.Sub(x.ServerTime).Abs(); {
	case now.Before(released):
		d.say(levelFail, "clock", where, "is before this program was made", "set the clock; run NTP")
	case x.ServerTime.IsZero():
		d.say(levelOK, "clock", where, "is plausible; there is no other clock here to compare it with", "")
	case off >= clockFail:
		d.say(levelFail, "clock", where, fmt.Sprintf("the database server's differs by %s", off.Round(time.Second)), "run NTP on both machines")
	case off >= clockWarn:
		d.say(levelWarn, "clock", where, fmt.Sprintf("the database server's differs by %s", off.Round(time.Second)), "run NTP on both machines")
	default:
		d.say(levelOK, "clock", where, "agrees with the database server's", "")
	}
	if x.Lab {
		d.say(levelWarn, "clock", "the lab", fmt.Sprintf("this store is a lab; its clock is %s ahead, at %s",
			x.LabOffset, now.Add(x.LabOffset).Format(time.RFC3339)), "for production start with an empty store")
	}
}

// keys lists what is trusted for what. A key that a store holds and that can't
// stand beside the others stops a server from starting.
func (d *doctor) keys(extra []skan.TrustedKey, p192 bool) {
	apple := skan.AppleKeys()
	all, err := apple.With(extra...)
	if err != nil {
		d.say(levelFail, "keys", "trusted_keys", err.Error(), "correct it and run `skand apply`")
		all = apple
	}
	for i, k := range all.List() {
		level, owner, todo := levelOK, "Apple's", ""
		if i >= len(apple.List()) {
			owner = "yours"
			if k.Environment == skan.Production {
				level = levelWarn
				todo = "whoever holds its private half can make installs; remove it where real money is counted"
			}
		}
		kid := "" // SKAdNetwork's postbacks name no key
		if strings.Contains(k.Trusts, "AdAttributionKit") {
			kid = "kid " + cmp.Or(k.KID, k.Name) + ", "
		}
		trusts := k.Trusts
		if k.Curve == "P-192" && !p192 {
			trusts = "nothing while skadnetwork_p192 is off"
		}
		d.say(level, "keys", k.Name, fmt.Sprintf("%s, %s%s, %s, signs %s; sha256:%s",
			owner, kid, k.Curve, k.Environment, trusts, fingerprint(k.SPKI)), todo)
	}
	if p192 {
		d.say(levelOK, "keys", "skadnetwork_p192", "on: SKAdNetwork 1.0 and 2.0 are checked", "")
	} else {
		d.say(levelWarn, "keys", "skadnetwork_p192", "off: SKAdNetwork 1.0 and 2.0 are kept as unsupported and not counted",
			"set it to on to count them")
	}
}

// fingerprint is SHA-256 of the DER key, as `openssl dgst` prints it.
func fingerprint(spki string) string {
	der, err := base64.StdEncoding.DecodeString(spki)
	if err != nil {
		return "not base64"
	}
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

func (d *doctor) databases(cfg config.Config, x *store.Examination) {
	d.place("main", &x.Main)
	if x.Settings != nil {
		d.say(levelFail, "main", x.Main.Where, x.Settings.Error(), "run `skand migrate`; look at the role's grants")
	}
	d.place("published", &x.Published)
	switch {
	case x.Same:
		d.say(levelFail, "published", x.Published.Where, "is the main database under another name: its readers see raw rows",
			"give --published a database of its own")
	case x.Main.Folder != "":
		d.say(levelOK, "published", x.Published.Where, "a file of its own", "let readers have published.db and nothing else of the folder")
	case x.Published.Reach == nil:
		d.say(levelOK, "published", x.Published.Where, "a database of its own", "")
	}
	if x.Main.Folder != "" && x.Main.Folder != x.Published.Folder && cfg.Published != "" {
		d.space("published", &x.Published)
	}
	d.space("main", &x.Main)
}

// vault tells where the master key lies: whoever has it beside the database reads
// what is sealed in it.
func (d *doctor) vault(x *store.Examination) {
	v := x.Vault
	switch {
	case v == nil:
		// There is no store to look at, and the checks of the databases have said why.
	case v.Err != nil:
		d.say(levelFail, "vault", v.Where, v.Err.Error(), "skand does not start until the key is there")
	case v.Given:
		d.say(levelOK, "vault", v.Where, "the master key that seals is "+v.Seals, v.Note)
	case v.Where == "":
		d.say(levelOK, "vault", store.EnvMasterKey, "not set; the store will make a key at its first start", "")
	case x.Main.Folder == "":
		d.say(levelWarn, "vault", v.Where, "the master key lies in the database that it seals: a dump of it can be read",
			"set "+store.EnvMasterKey+" where skand runs, then run `skand migrate --reseal`; see docs/operations.md")
	case v.Open:
		d.say(levelWarn, "vault", v.Where, "others of this machine may read the master key", "chmod 600 "+v.Where)
	default:
		d.say(levelOK, "vault", v.Where, "the master key lies in the data folder, for its owner alone",
			"keep backups of it apart from those of the database")
	}
}

func (d *doctor) place(check string, p *store.Place) {
	version := fmt.Sprintf("version %d of %d", p.Version, p.Newest)
	switch {
	case p.Absent:
		d.say(levelWarn, check, p.Where, "is not there yet", "`skand serve` makes it; if it should be there, look at --db and --published")
	case check == "published" && p.Reach != nil && strings.Contains(p.Reach.Error(), "does not exist"):
		d.say(levelWarn, check, p.Where, p.Reach.Error(), "make it, or let `skand migrate` make it")
	case p.Reach != nil:
		d.say(levelFail, check, p.Where, p.Reach.Error(), "see that it runs, that this machine may reach it, and the name and password")
	case p.Version > p.Newest:
		d.say(levelFail, check, p.Where, version+": a newer skand has been here", "run that version or a later one")
	case p.Version < p.Newest:
		d.say(levelWarn, check, p.Where, version, "run `skand migrate`, or start `skand serve`, which does it")
	case p.Write != nil:
		d.say(levelFail, check, p.Where, p.Write.Error(), "give the role or user the right to write")
	default:
		d.say(levelOK, check, p.Where, "reached, writable, "+version, "")
	}
}

func (d *doctor) space(check string, p *store.Place) {
	if p.Folder == "" {
		return // a PostgreSQL server's disk can't be seen from here
	}
	free := fmt.Sprintf("%.1f GiB free", float64(p.FreeBytes)/(1<<30))
	switch {
	case p.Free != nil:
		d.say(levelWarn, check, p.Folder, p.Free.Error(), "watch its disk by other means")
	case p.FreeBytes < noneSpace:
		d.say(levelFail, check, p.Folder, free, "make room: on a full disk every postback is answered 500")
	case p.FreeBytes < lowSpace:
		d.say(levelWarn, check, p.Folder, free, "make room: on a full disk every postback is answered 500")
	default:
		d.say(levelOK, check, p.Folder, free, "")
	}
}
