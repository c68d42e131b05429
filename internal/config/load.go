package config

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/posflag"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/pflag"

	"skand/internal/nearest"
)

const (
	dot       = "."
	envConfig = "SKAND_CONFIG"
	envAdmin  = "SKAND_ADMIN_TOKEN"
	envMaster = "SKAND_MASTER_KEY"
)

// AddFlags defines --config and the flags of all keys that have one.
func AddFlags(fs *pflag.FlagSet) {
	addConfigFlag(fs)
	d := Defaults()
	for _, f := range fields(&d) {
		if f.flag {
			addFlag(fs, f)
		}
	}
}

// AddDBFlags defines --config, --db and --published, for commands that only
// open the stores.
func AddDBFlags(fs *pflag.FlagSet) {
	addConfigFlag(fs)
	d := Defaults()
	for _, f := range fields(&d) {
		if f.key == "db" || f.key == "published" {
			addFlag(fs, f)
		}
	}
}

func addConfigFlag(fs *pflag.FlagSet) {
	fs.String("config", "", "configuration file, as `skand config --print-defaults` prints it ("+envConfig+")")
}

func addFlag(fs *pflag.FlagSet, f field) {
	usage := strings.ReplaceAll(strings.TrimSuffix(f.doc, "."), "\n", " ") + " (" + f.env() + ")"
	switch v := f.get().(type) {
	case bool:
		fs.Bool(f.flagName(), v, usage)
	case []string:
		fs.String(f.flagName(), strings.Join(v, ","), usage)
	default:
		fs.String(f.flagName(), fmt.Sprint(v), usage)
	}
}

// Load reads the configuration: defaults, then the file that --config or
// SKAND_CONFIG names, then environ (as os.Environ gives it), then those flags
// that were given; and validates it. Flags may be nil or lack some of AddFlags.
// Every error is the operator's to mend and names the key.
func Load(flags *pflag.FlagSet, environ []string) (Config, error) {
	c := Defaults()
	known := fields(&c)
	ko := koanf.New(dot)
	path := lookup(environ, envConfig)
	if flags != nil {
		if given := flags.Lookup("config"); given != nil && given.Changed {
			path = given.Value.String()
		}
	}
	if path != "" {
		if err := loadFile(ko, path, known); err != nil {
			return Config{}, err
		}
	}
	if err := ko.Load(fromEnv(environ, known), nil); err != nil {
		return Config{}, fmt.Errorf("environment: %w", err)
	}
	if flags != nil {
		if err := ko.Load(fromFlags(flags, ko, known), nil); err != nil {
			return Config{}, fmt.Errorf("flags: %w", err)
		}
	}
	for _, f := range known {
		if !ko.Exists(f.key) {
			continue
		}
		if err := f.set(ko.Get(f.key)); err != nil {
			return Config{}, fmt.Errorf("%s: %w", f.key, err)
		}
	}
	c.AdminToken = Secret(lookup(environ, envAdmin))
	c.MasterKey = Secret(lookup(environ, envMaster))
	return c, c.Validate()
}

// loadFile is strict: a key that nothing reads is a setting that silently has no
// effect.
func loadFile(ko *koanf.Koanf, path string, known []field) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	read := koanf.New(dot)
	if err := read.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	var errs []error
	for _, key := range read.Keys() {
		if err := checkKey(key, known); err != nil {
			errs = append(errs, fmt.Errorf("configuration file %s: %w", path, err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if err := ko.Load(confmap.Provider(read.All(), dot), nil); err != nil {
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	return nil
}

func checkKey(key string, known []field) error {
	keys := make([]string, 0, len(known))
	for _, f := range known {
		if f.key == key {
			return nil
		}
		if strings.HasPrefix(f.key, key+dot) {
			return fmt.Errorf("%s: want its keys below it, such as %s", key, f.key)
		}
		keys = append(keys, f.key)
	}
	best, edits := nearest.Name(key, keys)
	if edits >= len(key) { // nothing of it is right
		return fmt.Errorf("unknown key %q", key)
	}
	return fmt.Errorf("unknown key %q; did you mean %q?", key, best)
}

// fromEnv takes the variables of known keys. Others that begin with SKAND_ are
// left alone: they may be the secrets of destinations.
func fromEnv(environ []string, known []field) koanf.Provider {
	return env.Provider(dot, env.Opt{
		Prefix:      "SKAND_",
		EnvironFunc: func() []string { return environ },
		TransformFunc: func(name, value string) (string, any) {
			i := slices.IndexFunc(known, func(f field) bool { return f.env() == name })
			if i < 0 {
				return "", nil
			}
			return known[i].key, value
		},
	})
}

func fromFlags(flags *pflag.FlagSet, ko *koanf.Koanf, known []field) koanf.Provider {
	return posflag.ProviderWithFlag(flags, dot, ko, func(given *pflag.Flag) (string, any) {
		i := slices.IndexFunc(known, func(f field) bool { return f.flag && f.flagName() == given.Name })
		if i < 0 || !given.Changed {
			return "", nil
		}
		return known[i].key, given.Value.String()
	})
}

func lookup(environ []string, name string) string {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
