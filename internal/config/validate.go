package config

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"skand/internal/jobs"
	"skand/internal/vault"
)

// Validate returns every fault, each with its key, what is wrong and what to do.
func (c Config) Validate() error {
	return errors.Join(
		c.validateStores(), c.validateListeners(), c.validateRoles(), c.validateProxies(),
		c.validateJobs(), c.validateLog(), c.validateLimits(), c.validateTimeouts(), c.validateAlerts(), c.validateMasterKey(),
		c.validatePublicURL(), c.validateAdminURL(), c.validateSessions(), c.validateOIDC())
}

func (c Config) validateMasterKey() error {
	if c.MasterKey == "" {
		return nil
	}
	if _, err := vault.ParseMasters(string(c.MasterKey)); err != nil {
		return fmt.Errorf("%s: %w", envMaster, err)
	}
	return nil
}

func (c Config) validateStores() error {
	if err := validateLocation("db", c.DB); err != nil {
		return err
	}
	if c.Published == "" {
		return nil
	}
	if err := validateLocation("published", c.Published); err != nil {
		return err
	}
	if isSQLite(c.DB) != isSQLite(c.Published) {
		return errors.New("published: want the same kind of database as db, sqlite: or postgres://")
	}
	if !isSQLite(c.DB) && c.DB == c.Published {
		// Who may read cohorts must not be a grant away from the raw rows.
		return errors.New("published: is the same database as db; want one of its own")
	}
	return nil
}

func isSQLite(location string) bool { return strings.HasPrefix(location, "sqlite:") }

func validateLocation(key, location string) error {
	if isSQLite(location) {
		if location == "sqlite:" {
			return fmt.Errorf("%s: sqlite: needs a folder, as in sqlite:./skand-data", key)
		}
		return nil
	}
	u, err := url.Parse(location)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return fmt.Errorf("%s: want sqlite:DIR or postgres://USER@HOST/NAME", key) // it may hold a password
	}
	if strings.Trim(u.Path, "/") == "" {
		return fmt.Errorf("%s: %s names no database; want postgres://USER@HOST/NAME", key, redact(location))
	}
	return nil
}

func (c Config) validateListeners() error {
	for key, address := range map[string]string{"public": c.Public, "admin": c.Admin} {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("%s: %q is no host:port, such as :8080 or 127.0.0.1:8081", key, address)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return fmt.Errorf("%s: %q: want a port from 0 to 65535", key, address)
		}
	}
	if c.Public == c.Admin && !strings.HasSuffix(c.Public, ":0") {
		return errors.New("admin: is the same address as public; the API must not be where the world posts")
	}
	return nil
}

func (c Config) validateRoles() error {
	if len(c.Roles) == 0 {
		return fmt.Errorf("roles: none given; want some of %s", strings.Join(Roles(), ", "))
	}
	for i, r := range c.Roles {
		if !slices.Contains(Roles(), r) {
			return fmt.Errorf("roles: %q: want some of %s", r, strings.Join(Roles(), ", "))
		}
		if slices.Contains(c.Roles[:i], r) {
			return fmt.Errorf("roles: %q is given twice", r)
		}
	}
	return nil
}

func (c Config) validateProxies() error {
	for _, p := range c.TrustedProxies {
		_, prefixErr := netip.ParsePrefix(p)
		_, addressErr := netip.ParseAddr(p)
		if prefixErr != nil && addressErr != nil {
			return fmt.Errorf("trusted_proxies: %q: want an address or a CIDR, such as 10.0.0.0/8", p)
		}
	}
	return nil
}

func (c Config) validateJobs() error {
	for _, name := range slices.Sorted(maps.Keys(c.Jobs)) {
		if c.Jobs[name] == "" {
			continue // runs only when asked
		}
		if _, err := jobs.ParseSchedule(c.Jobs[name]); err != nil {
			return fmt.Errorf("jobs.%s: %w", name, err)
		}
	}
	return nil
}

func (c Config) validateLog() error {
	if levels := []string{"debug", "info", "warn", "error"}; !slices.Contains(levels, c.Log.Level) {
		return fmt.Errorf("log.level: %q: want one of %s", c.Log.Level, strings.Join(levels, ", "))
	}
	if formats := []string{"text", "json"}; !slices.Contains(formats, c.Log.Format) {
		return fmt.Errorf("log.format: %q: want one of %s", c.Log.Format, strings.Join(formats, ", "))
	}
	return nil
}

func (c Config) validateLimits() error {
	for _, l := range []struct {
		key           string
		value, lo, hi int
	}{
		// Below 4 KiB Apple's own postbacks would be turned away.
		{"limits.body", c.Limits.Body, 4 << 10, 1 << 20},
		{"limits.relay_body", c.Limits.RelayBody, 4 << 10, 64 << 20},
		{"limits.relay_lines", c.Limits.RelayLines, 1, 100_000},
		{"limits.s2s_items", c.Limits.S2SItems, 1, 10_000},
		{"limits.p192", c.Limits.P192, 0, 1024},
	} {
		if l.value < l.lo || l.value > l.hi {
			return fmt.Errorf("%s: %d: want %d to %d", l.key, l.value, l.lo, l.hi)
		}
	}
	return nil
}

func (c Config) validateTimeouts() error {
	for _, t := range []struct {
		key       string
		value, hi time.Duration
	}{
		{"timeouts.read_header", c.Timeouts.ReadHeader, 10 * time.Minute},
		{"timeouts.read", c.Timeouts.Read, 10 * time.Minute},
		{"timeouts.write", c.Timeouts.Write, 10 * time.Minute},
		{"timeouts.idle", c.Timeouts.Idle, time.Hour},
		{"timeouts.drain", c.Timeouts.Drain, 10 * time.Second}, // the promise made for SIGTERM
	} {
		if t.value <= 0 || t.value > t.hi {
			return fmt.Errorf("%s: %s: want more than 0s and at most %s", t.key, t.value, t.hi)
		}
	}
	return nil
}

func (c Config) validateAlerts() error {
	a := c.Alerts
	switch {
	case a.OldestDue < time.Minute || a.OldestDue > 30*24*time.Hour:
		return fmt.Errorf("alerts.oldest_due: %s: want 1m to 720h", a.OldestDue)
	case a.DeliveryRate < 0 || a.DeliveryRate > 100:
		return fmt.Errorf("alerts.delivery_rate: %d: want 0 to 100 per cent; 0 is never an alert", a.DeliveryRate)
	case a.Span < time.Hour || a.Span > 30*24*time.Hour:
		return fmt.Errorf("alerts.span: %s: want 1h to 720h", a.Span)
	case a.Least < 1:
		return fmt.Errorf("alerts.least: %d: want at least 1", a.Least)
	}
	return nil
}
