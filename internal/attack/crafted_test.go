package attack

import (
	"bytes"
	"fmt"
	"time"

	"skand/conversion"
	"skand/fixtures/apple"
	"skand/skan"
)

// The networks of crafted traffic.
const (
	steady = "steady.skadnetwork" // the same few campaigns every week
	rich   = "rich.skadnetwork"   // nearly everybody pays
	victim = "victim.skadnetwork" // two installs a week, and forged ones
)

// forgedAWeek is one less than k: together with one genuine install they would do.
const forgedAWeek = 19

// crafting numbers the identities.
type crafting struct {
	q *quarter
	n int
	// forger signs what nobody's key signed.
	forger *apple.Apple
}

// campaign is what a crafted campaign has in one week.
type campaign struct {
	network    string
	source     string // of network steady the first digits are the campaign
	installs   int
	payers     int // the first of them, of value 3; the very first one of value whale
	whale      int // 0: none
	redownload int
	levels     int  // the last of them reached a level of the tutorial: value 2, and the very last one 1
	coarse     bool // nobody has a fine value: low, and two with high
	old        bool // SKAdNetwork 3: the source is a campaign id
}

// campaigns have what the attacks look for: one payer, all but two, as many as share a
// remainder, one redownload, a whale among payers, two rows under one histogram, a
// single device that is all of it, and crowds below k.
var campaigns = []campaign{
	{network: steady, source: "1101", installs: 24, payers: 1, redownload: 1},
	{network: steady, source: "1102", installs: 30, payers: 9, whale: 21, levels: 3},
	{network: steady, source: "1103", installs: 26, payers: 6, redownload: 2, levels: 15},
	{network: steady, source: "1114", installs: 22, payers: 4, redownload: 9},
	{network: steady, source: "1205", installs: 21, payers: 3, levels: 8},
	{network: steady, source: "1306", installs: 14, payers: 6, whale: 21},
	{network: steady, source: "1307", installs: 9},
	{network: steady, source: "11", installs: 23, coarse: true},
	{network: rich, source: "4401", installs: 26, payers: 24, levels: 2},
	{network: rich, source: "7", installs: 25, payers: 5, levels: 20, old: true},
}

func (q *quarter) craft() error {
	forger, err := apple.FromSeed(666)
	if err != nil {
		return err
	}
	c := &crafting{q: q, forger: forger}
	for w := range weeks {
		monday := begin.Add(time.Duration(w) * week)
		for i, one := range campaigns {
			if err := c.campaign(one, monday.Add(time.Duration(12+24*(i%5))*time.Hour)); err != nil {
				return err
			}
		}
		if err := c.small(w, monday); err != nil {
			return err
		}
	}
	return nil
}

func (c *crafting) campaign(one campaign, at time.Time) error {
	for i := range one.installs {
		p := c.won(weeklyApp, one.network, one.source)
		fine := 0
		switch {
		case i == 0 && one.whale > 0:
			fine = one.whale
		case i < one.payers:
			fine = 3
		case i >= one.installs-one.levels:
			fine = 2
			if i == one.installs-1 {
				fine = 1
			}
		}
		p.Fine = &fine
		if one.coarse {
			p.Fine, p.Coarse = nil, map[bool]string{true: "high", false: "low"}[i < 2]
		}
		if one.old {
			p.Version, p.Source, p.Campaign = apple.V30, "", 7
		}
		if i < one.redownload {
			p.Conversion = "redownload"
		}
		if err := c.send(p, at, true); err != nil {
			return err
		}
	}
	return nil
}

// small sends the few: installs of a network and of an app that stay below k, forged
// rows that would lift them, installs whose key is not known yet, and losers.
func (c *crafting) small(w int, monday time.Time) error {
	at := monday.Add(60 * time.Hour)
	for range 2 {
		if err := c.send(c.won(weeklyApp, victim, "5239"), at, true); err != nil {
			return err
		}
	}
	if w < 8 {
		for range 2 {
			p := c.won(tinyApp, steady, "5239")
			for range 6 { // the same body again and again is one install
				if err := c.send(p, at, true); err != nil {
					return err
				}
			}
		}
	}
	for range forgedAWeek {
		for _, app := range []int64{weeklyApp, tinyApp} {
			if err := c.forge(c.won(app, victim, "5239"), at); err != nil {
				return err
			}
		}
	}
	if w == 3 { // verified in week 7
		for range 12 {
			p := c.won(weeklyApp, steady, "1102")
			p.Version, p.Marketplace, p.Interaction, p.KID = apple.AAK, "com.apple.AppStore", "click", lateKID
			if err := c.send(p, at, true); err != nil {
				return err
			}
		}
	}
	for range 4 {
		p := c.won(weeklyApp, steady, "12")
		p.DidWin, p.Fine, p.Coarse = false, nil, ""
		if err := c.send(p, at, true); err != nil {
			return err
		}
	}
	return nil
}

func (c *crafting) won(app int64, network, source string) apple.Postback {
	c.n++
	fine := 0
	return apple.Postback{
		Version: apple.V40, Network: network, Source: source, AppID: app, ID: fmt.Sprintf("%08x-0000-4000-9000-%012x", c.n, c.n),
		Conversion: "download", Fidelity: 1, DidWin: true, Fine: &fine,
	}
}

func (c *crafting) send(p apple.Postback, at time.Time, genuine bool) error {
	body, err := c.q.apple.Body(p)
	if err != nil {
		return err
	}
	identity := skan.Identity{AppID: p.AppID, Framework: skan.SKAdNetwork, NetworkID: p.Network, ID: p.ID}
	if p.Version == apple.AAK {
		identity.Framework = skan.AdAttributionKit
	}
	kind := "install"
	if !p.DidWin {
		kind = "qualifier"
	}
	c.q.letters = append(c.q.letters, letter{
		at: at, source: conversion.Network, body: body, forged: !genuine,
		who: &counted{id: string(identity.Hash()), app: p.AppID, kind: kind, installed: at.Add(-36 * time.Hour)},
	})
	return nil
}

// forge sends what looks genuine: signed by nobody's key, or genuine under another id.
func (c *crafting) forge(p apple.Postback, at time.Time) error {
	signer := c.forger
	if c.n%2 == 0 {
		signer = c.q.apple
	}
	body, err := signer.Body(p)
	if err != nil {
		return err
	}
	if c.n%2 == 0 {
		body = bytes.Replace(body, []byte(p.ID), []byte(fmt.Sprintf("%08x-0000-4000-a000-%012x", c.n, c.n)), 1)
	}
	c.q.letters = append(c.q.letters, letter{at: at, source: conversion.Network, body: body, forged: true})
	return nil
}
