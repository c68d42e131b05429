package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// field is one key: everything about it that has to agree is said here once.
type field struct {
	key  string // in the file; SKAND_LOG_LEVEL and --log-level for log.level
	doc  string // for skand.yaml and --help
	flag bool   // whether it is a flag, too
	get  func() any
	set  func(any) error
}

// env is the name of the key in the environment.
func (f field) env() string {
	return "SKAND_" + strings.ToUpper(strings.ReplaceAll(f.key, ".", "_"))
}

// flagName is the name of the key on the command line.
func (f field) flagName() string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(f.key)
}

// fields lists the keys of c in the order of the printed file.
func fields(c *Config) []field {
	return []field{
		text("db", &c.DB, "The main store: sqlite:DIR or postgres://USER@HOST/NAME.").asFlag(),
		text("published", &c.Published, "The published store, which readers see, in the same forms.\n"+
			`"" is beside db: the same folder, or the database NAME_published.`).asFlag(),
		text("public", &c.Public, "Where postbacks and S2S arrive, as host:port. Port 0 takes a free one.").asFlag(),
		text("admin", &c.Admin, "Where pages, API and metrics are served, as host:port.").asFlag(),
		text("public_url", &c.PublicURL, "Where Apple and networks reach the public listener, as https://HOST: pages show it\n"+
			`to people who name it in their apps. "" shows an example.`).asFlag(),
		text("admin_url", &c.AdminURL, "Where people find the admin listener, such as https://skand.example.com; \"\" is\n"+
			"this machine alone. With https, cookies are Secure. http:// sends passwords in the\nclear: for networks that you trust.").asFlag(),
		list("roles", &c.Roles, "What this process does: receive, admin, jobs, forward.").asFlag(),
		truth("lab", &c.Lab, "Lets the clock be moved, for tests and demos. A store is a lab from its\n"+
			"first start or never; cohorts of a lab are marked.").asFlag(),
		list("trusted_proxies", &c.TrustedProxies, "Addresses or CIDRs of your load balancers. Only what they say in\n"+
			"X-Forwarded-For is believed.").asFlag(),
		onOff("skadnetwork_p192", &c.P192, "Checks SKAdNetwork 1.0 and 2.0 (iOS before 14.5), whose signatures cost 20 to 40\n"+
			"times those of later versions. off keeps their postbacks as unsupported."),
		job("decode", c, "Decodes what arrived since the last run. Schedules are five cron fields in UTC,\n"+
			`@hourly and its like, or @every 10s; "" runs the job only when asked.`),
		job("seal", c, "Seals and publishes the windows that have ended."),
		job("model", c, "Estimates what Apple withholds of the windows that were sealed, once each."),
		job("partitions", c, "Makes the partitions of the coming days (PostgreSQL)."),
		job("retention", c, "Deletes raw copies older than their app's raw_retention."),
		job("health", c, "Counts what became of deliveries, by the hour, and publishes the weekly health\nof networks."),
		text("log.level", &c.Log.Level, "debug, info, warn or error.").asFlag(),
		text("log.format", &c.Log.Format, "text or json.").asFlag(),
		number("limits.body", &c.Limits.Body, "Bytes of one postback; Apple's have about 1,000."),
		number("limits.relay_body", &c.Limits.RelayBody, "Bytes of one request of a relay."),
		number("limits.relay_lines", &c.Limits.RelayLines, "Postbacks in one request of a relay."),
		number("limits.s2s_items", &c.Limits.S2SItems, "Clicks, installs or events in one S2S request."),
		number("limits.p192", &c.Limits.P192, "Checks of SKAdNetwork 1.0 and 2.0 at once; 0 is half of the processors."),
		duration("timeouts.read_header", &c.Timeouts.ReadHeader, "Until the header of a request has been read."),
		duration("timeouts.read", &c.Timeouts.Read, "Until a whole request has been read."),
		duration("timeouts.write", &c.Timeouts.Write, "Until it has been answered."),
		duration("timeouts.idle", &c.Timeouts.Idle, "How long an idle connection is kept."),
		duration("timeouts.drain", &c.Timeouts.Drain, "How long SIGTERM waits for requests and deliveries; at most 10s."),
		duration("alerts.oldest_due", &c.Alerts.OldestDue, "A destination whose oldest delivery has been due for longer is an alert."),
		number("alerts.delivery_rate", &c.Alerts.DeliveryRate, "So many per cent of its deliveries have to arrive; below is an alert."),
		duration("alerts.span", &c.Alerts.Span, "The rate is of so long, up to an hour ago."),
		number("alerts.least", &c.Alerts.Least, "Fewer deliveries than these in the span say nothing of a rate."),
		duration("sessions.idle", &c.Sessions.Idle, "Somebody who has done nothing for so long has to sign in again."),
		duration("sessions.lifetime", &c.Sessions.Lifetime, "Everybody has to after so long."),
		text("oidc.name", &c.OIDC.Name, "What the button of the OpenID provider says; see docs/sign-in.md."),
		text("oidc.issuer", &c.OIDC.Issuer, "Its issuer, such as https://accounts.example.com; \"\" is no provider."),
		text("oidc.client_id", &c.OIDC.ClientID, "Our name there. Register ADMIN_URL/sign-in/callback as the redirect URI."),
		text("oidc.client_secret_env", &c.OIDC.ClientSecretEnv, "The environment variable that holds the client's secret; \"\" for a public client."),
		list("oidc.scopes", &c.OIDC.Scopes, "What is asked for; openid and email are needed."),
		text("oidc.email_claim", &c.OIDC.EmailClaim, "The claim of the ID token that holds the address; email_verified has to be true."),
		text("oidc.role_claim", &c.OIDC.RoleClaim, "The claim (a text or a list, such as groups) that role_map reads at each sign-in;\n"+
			`"" leaves roles to skand user.`),
		list("oidc.role_map", &c.OIDC.RoleMap, "VALUE=ROLE, such as marketing=viewer. The highest that fits counts."),
		text("oidc.default_role", &c.OIDC.DefaultRole, "The role of whom role_map does not know: viewer, editor, operator, admin, or \"\",\nwhich lets nobody in."),
		list("oidc.allowed_domains", &c.OIDC.AllowedDomains, "Only addresses of these domains are let in; none: all that the provider knows."),
		truth("oidc.provision", &c.OIDC.Provision, "Makes an account at the first sign-in. false: it has to be there (skand user add)."),
		list("oidc.apps", &c.OIDC.Apps, "The only apps of accounts made so; none: every app."),
		list("oidc.private_cidrs", &c.OIDC.PrivateCIDRs, "Private addresses where the provider may be; others are not called."),
	}
}

func (f field) asFlag() field {
	f.flag = true
	return f
}

func text(key string, p *string, doc string) field {
	return field{key: key, doc: doc, get: func() any { return *p }, set: func(v any) (err error) {
		*p, err = asString(v)
		return err
	}}
}

// job is the schedule of one job, a member of a map.
func job(name string, c *Config, doc string) field {
	return field{key: "jobs." + name, doc: doc, get: func() any { return c.Jobs[name] }, set: func(v any) error {
		s, err := asString(v)
		if err == nil {
			c.Jobs[name] = s
		}
		return err
	}}
}

func asString(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fmt.Errorf("want a string, got %v; put it in quotes", v)
	}
	return s, nil
}

func truth(key string, p *bool, doc string) field {
	return field{key: key, doc: doc, get: func() any { return *p }, set: func(v any) (err error) {
		switch v := v.(type) {
		case bool:
			*p = v
		case string:
			*p, err = strconv.ParseBool(v)
		default:
			err = strconv.ErrSyntax
		}
		if err != nil {
			return fmt.Errorf("want true or false, got %v", v)
		}
		return nil
	}}
}

// onOff is a truth that people call on or off; YAML takes either word as a string.
func onOff(key string, p *bool, doc string) field {
	f := truth(key, p, doc)
	set := f.set
	f.get = func() any {
		if *p {
			return "on"
		}
		return "off"
	}
	f.set = func(v any) error {
		switch v {
		case "on":
			v = true
		case "off":
			v = false
		}
		if set(v) != nil {
			return fmt.Errorf("want on or off, got %v", v)
		}
		return nil
	}
	return f
}

func number(key string, p *int, doc string) field {
	return field{key: key, doc: doc, get: func() any { return *p }, set: func(v any) (err error) {
		switch v := v.(type) {
		case int:
			*p = v
		case string:
			*p, err = strconv.Atoi(v)
		default:
			err = strconv.ErrSyntax
		}
		if err != nil {
			return fmt.Errorf("want a whole number, got %v", v)
		}
		return nil
	}}
}

func duration(key string, p *time.Duration, doc string) field {
	return field{key: key, doc: doc, get: func() any { return p.String() }, set: func(v any) error {
		s, ok := v.(string)
		d, err := time.ParseDuration(s)
		if !ok || err != nil {
			return fmt.Errorf("want a duration such as 10s or 2m, got %v", v)
		}
		*p = d
		return nil
	}}
}

// list is a YAML list, or words with commas between them.
func list(key string, p *[]string, doc string) field {
	return field{key: key, doc: doc, get: func() any { return *p }, set: func(v any) error {
		words := []string{}
		switch v := v.(type) {
		case string:
			for w := range strings.SplitSeq(v, ",") {
				if w = strings.TrimSpace(w); w != "" {
					words = append(words, w)
				}
			}
		case []string:
			words = append(words, v...)
		case []any:
			for _, w := range v {
				s, err := asString(w)
				if err != nil {
					return err
				}
				words = append(words, s)
			}
		default:
			return fmt.Errorf("want a list, got %v", v)
		}
		*p = words
		return nil
	}}
}
