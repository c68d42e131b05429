package reconcile

import (
	"slices"
	"strings"
	"unicode"

	"skand/internal/nearest"
)

// Name is an event that a network is sent: ours, and what it is told.
type Name struct{ Ours, Theirs string }

// Day is an upload with all that we know of its day, in any order: what happened
// within Reach, and what happened before it and was delivered within it.
type Day struct {
	Upload  Upload
	Names   []Name // that the network's destinations send, whether or not it happened
	Counted []Counted
}

// dictionary knows the names under which a network is told something, folded.
type dictionary struct {
	shown  map[string]string // folded name of theirs -> as it is written
	theirs map[string]string // folded name of ours -> folded name of theirs
	near   map[string]string // folded name that is not known -> the nearest that is, folded; "": none
}

func newDictionary(d *Day) *dictionary {
	x := &dictionary{shown: map[string]string{}, theirs: map[string]string{}, near: map[string]string{}}
	know := func(name string) {
		if _, known := x.shown[fold(name)]; !known {
			x.shown[fold(name)] = name
		}
	}
	for _, n := range d.Names {
		know(n.Theirs)
		if _, known := x.theirs[fold(n.Ours)]; !known {
			x.theirs[fold(n.Ours)] = fold(n.Theirs)
		}
	}
	for i := range d.Counted {
		switch c := &d.Counted[i]; c.Fate {
		case FateClaimable:
		case FateUnsent:
			x.near[fold(c.Event)] = "" // a name of ours is not one misspelt
		default:
			know(c.Event)
		}
	}
	return x
}

// name is what a row of theirs is about: a name that is sent, also where they wrote
// ours; else the name itself.
func (x *dictionary) name(event string) (folded string, known bool) {
	folded = fold(event)
	if _, known = x.shown[folded]; known {
		return folded, true
	}
	if theirs, ours := x.theirs[folded]; ours {
		return theirs, true
	}
	return folded, false
}

// nearest is the name that a network probably means by one that we do not send: at
// most a third of its letters differ, signs and spaces aside.
func (x *dictionary) nearest(folded string) string {
	if found, looked := x.near[folded]; looked {
		return found
	}
	var names, letters []string
	for name := range x.shown {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		letters = append(letters, lettersOf(name))
	}
	found := ""
	if mine := lettersOf(folded); mine != "" && len(names) > 0 {
		best, edits := nearest.Name(mine, letters)
		if edits*3 <= max(len(mine), len(best)) {
			found = names[slices.Index(letters, best)]
		}
	}
	x.near[folded] = found
	return found
}

func lettersOf(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// lines sorts what both sides counted into events and campaigns. Campaigns are told
// apart where the network does: its row without a campaign stands for all that no
// other row of the event names.
func (d *Day) lines() []*line {
	x := newDictionary(d)
	campaigns := map[string]map[string]bool{} // by event: those that rows name, "" included
	subject := func(event string) string {
		name, known := x.name(event)
		if !known {
			if near := x.nearest(name); near != "" {
				return near
			}
		}
		return name
	}
	for _, r := range d.Upload.Rows {
		of := subject(r.Event)
		if campaigns[of] == nil {
			campaigns[of] = map[string]bool{}
		}
		campaigns[of][r.CampaignID] = true
	}
	place := func(event, campaign string) string {
		named := campaigns[event]
		if len(named) == 0 || named[campaign] || named[""] {
			if named[campaign] {
				return campaign
			}
			return ""
		}
		return campaign
	}
	found := map[[2]string]*line{}
	at := func(event, campaign string) *line {
		k := [2]string{event, campaign}
		if found[k] == nil {
			found[k] = &line{event: x.shown[event], campaign: campaign}
		}
		return found[k]
	}
	for i := range d.Counted {
		c := d.Counted[i]
		event := fold(c.Event)
		l := at(event, place(event, c.CampaignID))
		if l.event == "" {
			l.event = c.Event
		}
		l.counted = append(l.counted, c)
	}
	for _, r := range d.Upload.Rows {
		event, known := x.name(r.Event)
		l := at(event, r.CampaignID)
		if l.event == "" {
			l.event = r.Event
		}
		l.theirs.add(r)
		l.rows++
		l.priced = l.priced || r.Revenue != nil
		if near := x.nearest(event); !known && near != "" {
			l.nearest = x.shown[near]
			to := at(near, r.CampaignID)
			to.near.add(r)
		}
	}
	var out []*line
	for k, l := range found {
		_, sent := x.shown[k[0]]
		l.unsent = !sent
		if l.rows == 0 {
			l.priced = d.Upload.priced()
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b *line) int {
		return strings.Compare(fold(a.event)+"\x00"+a.campaign, fold(b.event)+"\x00"+b.campaign)
	})
	return out
}

func (b *both) add(r Row) {
	b.n += count(r.Count)
	if r.Revenue != nil {
		b.money = b.money.Add(*r.Revenue)
	}
}
