package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"skand/fixtures"
	"skand/fixtures/apple"
	"skand/fixtures/traffic"
)

// simulateFlags are the words of `skand simulate` as they were typed.
type simulateFlags struct {
	app               int64
	networks          string
	versions          []string
	n                 int
	seed              uint64
	from, to          string
	url, out          string
	truthFile, keyPEM string

	scenario, config, s2s string
}

func newSimulateCmd() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Make signed traffic with the truth beside it",
		Long: `Make the postbacks of one app as a simulated Apple would send them, signed with lab
keys that a receiver has to trust on purpose (never Apple's): all versions, winners
and losers, three windows, crowds that withhold values, retries, relays that change
what is not signed, forgeries. Phones set the values of the built-in sample schema.
The same seed, flags and keys give the same bytes.

-o writes an archive for 'skand import' (NDJSON of received_at, source and body, the
body as a string; "-" is standard output). --url posts every body to the public
listener there, in the order of arrival, and compares the answers with the truth;
relayed copies need a bearer token in SKAND_TOKEN and are left out without one.

--truth writes what really happened, one line for each identity. Its members are
identity, tier (0-3), true_value (what the phone had set: a number at index 0, a
level later, null if nothing), payer, revenue (of the window until its lock),
installed_at, lock (when, or null), did_win, conversion_type, environment, test and
source (all four digits).
` + scenarioHelp,
		Example: `  skand simulate keys -o lab
  skand simulate --n 20000 --seed 7 --key lab/lab-keys.pem -o lab/archive.ndjson --truth lab/truth.ndjson
  skand simulate --n 500 --networks example123.skadnetwork --versions 4.0,aak --url http://127.0.0.1:8080
  skand simulate --scenario worse --n 28000 --key lab/lab-keys.pem -o lab/worse.ndjson --truth lab/truth.ndjson --config lab/worse.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	fl := cmd.Flags()
	fl.Int64Var(&f.app, "app", fixtures.PuzzleAppID, "App Store id of the app")
	fl.StringVar(&f.networks, "networks", "4", "ad network ids, comma-separated, or how many to make up")
	fl.StringSliceVar(&f.versions, "versions", nil, "of "+strings.Join(apple.Versions(), ",")+" (default all, the old ones rare)")
	fl.IntVar(&f.n, "n", 1000, "installs that some network wins")
	fl.Uint64Var(&f.seed, "seed", 1, "seed of the world and of everything in it")
	fl.StringVar(&f.from, "from", "2026-11-02", "first launches from here on, a date (UTC) or RFC 3339")
	fl.StringVar(&f.to, "to", "", "and before this (default 14 days after --from)")
	fl.StringVar(&f.url, "url", "", "base URL of a public listener to post to")
	fl.StringVarP(&f.out, "out", "o", "", `archive to write, "-" for standard output`)
	fl.StringVar(&f.truthFile, "truth", "", "file for the truth, NDJSON")
	fl.StringVar(&f.keyPEM, "key", "", "private lab keys, from 'skand simulate keys' (default derived from the seed)")
	f.addScenarioFlags(cmd)
	cmd.AddCommand(newSimulateKeysCmd())
	return cmd
}

// simulator turns the flags into a simulator; errors name the flag.
func (f *simulateFlags) simulator() (traffic.Simulator, error) {
	s := traffic.Simulator{
		Seed: f.seed, AppID: f.app, Versions: f.versions, N: f.n, Networks: splitNetworks(f.networks),
		Noise: traffic.DefaultNoise(),
	}
	if (f.url == "") == (f.out == "") {
		return s, errors.New("--url, -o: give one of them, to say where the traffic goes")
	}
	var err error
	s.From, err = parseDay(f.from)
	if err != nil {
		return s, fmt.Errorf("--from: %w", err)
	}
	s.To = s.From.AddDate(0, 0, 14)
	if f.to != "" {
		s.To, err = parseDay(f.to)
		if err != nil {
			return s, fmt.Errorf("--to: %w", err)
		}
	}
	s.Schema, err = fixtures.PuzzleSchema()
	if err != nil {
		return s, err
	}
	s.Apple, err = f.keys()
	if err != nil {
		return s, err
	}
	if !s.Apple.HasDevelopment() {
		s.Noise.Development = 0
	}
	err = s.Validate()
	if err != nil {
		return s, fmt.Errorf("--%w", err) // the fields have the flags' names
	}
	return s, nil
}

func (f *simulateFlags) keys() (*apple.Apple, error) {
	if f.keyPEM == "" {
		return apple.FromSeed(f.seed)
	}
	bundle, err := os.ReadFile(f.keyPEM)
	if err != nil {
		return nil, fmt.Errorf("--key: %w", err)
	}
	keys, err := apple.ParsePEM(bundle)
	if err != nil {
		return nil, fmt.Errorf("--key: %s: %w", f.keyPEM, err)
	}
	return keys, nil
}

// splitNetworks takes a list of ids, or a number of networks to make up.
func splitNetworks(s string) []string {
	var ids []string
	n, err := strconv.Atoi(s)
	if err == nil {
		for i := range min(n, 1000) {
			ids = append(ids, fmt.Sprintf("lab%d.skadnetwork", i+1))
		}
		return ids
	}
	for id := range strings.SplitSeq(s, ",") {
		if id = strings.TrimSpace(id); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func parseDay(s string) (time.Time, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err == nil {
		return t, nil
	}
	t, err = time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%q is not a time; write 2026-11-02 or 2026-11-02T15:04:05Z", s)
	}
	return t.UTC(), nil
}

func (f *simulateFlags) run(cmd *cobra.Command) error {
	if f.scenario != "" {
		return f.runScenario(cmd)
	}
	for _, name := range scenarioConfig {
		if cmd.Flags().Changed(name) {
			return usagef("simulate: --%s: it needs --scenario", name)
		}
	}
	sim, err := f.simulator()
	if err != nil {
		return usagef("simulate: %w", err)
	}
	f.sayKeys(cmd)
	truthFile, err := createOut(f.truthFile, io.Discard)
	if err != nil {
		return usagef("simulate: --truth: %w", err)
	}
	to, err := f.sink(cmd)
	if err != nil {
		return usagef("simulate: %w", errors.Join(err, truthFile.Close()))
	}
	bar := newSimulateBar(cmd.ErrOrStderr(), sim.From, sim.To.Add(traffic.Horizon))
	truth, err := sim.Each(func(s traffic.Sent) error {
		bar.at(s.At)
		err := cmd.Context().Err()
		if err != nil {
			return err
		}
		if s.Truth != nil {
			err = traffic.WriteTruth(truthFile, *s.Truth)
			if err != nil {
				return err
			}
		}
		return to.send(s)
	})
	bar.finish()
	return f.report(cmd, to, truth, errors.Join(err, to.finish(), truthFile.Close()))
}

func (f *simulateFlags) sayKeys(cmd *cobra.Command) {
	if f.keyPEM == "" {
		cmd.PrintErrf("keys: derived from the seed; 'skand simulate keys --seed %d -o DIR' writes what a receiver has to trust\n", f.seed)
	}
}

// sink is where the flags send the traffic.
func (f *simulateFlags) sink(cmd *cobra.Command) (sink, error) {
	if f.url != "" {
		return f.post(cmd), nil
	}
	archive, err := createOut(f.out, cmd.OutOrStdout())
	if err != nil {
		return sink{}, fmt.Errorf("-o: %w", err)
	}
	write := func(s traffic.Sent) error { return traffic.WriteArchive(archive, s) }
	return sink{write, archive.Close, printTruth}, nil
}

// report ends a run: err is how the traffic went.
func (f *simulateFlags) report(cmd *cobra.Command, to sink, truth traffic.Truth, err error) error {
	w := cmd.OutOrStdout()
	if f.out == "-" {
		w = cmd.ErrOrStderr()
	}
	err = errors.Join(err, to.summary(w, truth))
	if err != nil {
		return fmt.Errorf("simulate: %w", firstLine(err))
	}
	return nil
}

// firstLine keeps errors to one line: several of a run say the same.
func firstLine(err error) error {
	line, _, more := strings.Cut(err.Error(), "\n")
	if !more {
		return err
	}
	return errors.New(line)
}

// outFile is a buffered file, or a stream that isn't ours to close.
type outFile struct {
	*bufio.Writer
	file *os.File
}

// createOut opens path for writing; "-" is the stream, "" too.
func createOut(path string, stream io.Writer) (*outFile, error) {
	if path == "" || path == "-" {
		return &outFile{Writer: bufio.NewWriter(stream)}, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &outFile{bufio.NewWriterSize(f, 1<<18), f}, nil
}

// Close flushes, and closes what createOut opened.
func (o *outFile) Close() error {
	err := o.Flush()
	if o.file == nil {
		return err
	}
	return errors.Join(err, o.file.Close())
}

// simulateBar shows how much of the simulated time has passed, on a terminal only.
type simulateBar struct {
	bar   *progressbar.ProgressBar
	start time.Time
}

func newSimulateBar(w io.Writer, from, to time.Time) *simulateBar {
	if !isTerminal(w) {
		return &simulateBar{}
	}
	minutes := int64(to.Sub(from) / time.Minute)
	return &simulateBar{start: from, bar: progressbar.NewOptions64(minutes,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("simulating"),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

func (b *simulateBar) at(t time.Time) {
	if b.bar != nil {
		_ = b.bar.Set64(int64(t.Sub(b.start) / time.Minute)) // a bar that can't be drawn stops nothing
	}
}

func (b *simulateBar) finish() {
	if b.bar != nil {
		_ = b.bar.Finish() // as above
	}
}

// isTerminal reports whether somebody looks at w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
