package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"skand/conversion"
	"skand/internal/clock"
	"skand/internal/web"
)

// newImportCmd is `skand import`.
func newImportCmd() *cobra.Command {
	var s2s bool
	cmd := &cobra.Command{
		Use:   "import FILE…",
		Short: "Take in archives of postbacks with their arrival times, or of S2S items",
		Long: "A line of an archive is {\"received_at\": RFC 3339, \"source\": \"developer\"|\"network\"|\"relay:ID\", \"body\": …},\n" +
			"the body as a string or as an object. Each goes the way of a postback that arrives, and a file that is\n" +
			"imported again adds nothing: an import that broke off is simply run again. An arrival keeps its time while its window is open. With --s2s a line is\n" +
			"{\"at\", \"path\": \"/v1/clicks\"|\"/v1/installs\"|\"/v1/events\", \"body\"}.\n" +
			"It ends with 1 if a line could not be read; the others are in.",
		Example: "  skand import october.ndjson\n  skand import --s2s clicks.ndjson",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("import: name at least one file")
			}
			return nil
		},
	}
	t := addTargetFlags(cmd)
	cmd.Flags().BoolVar(&s2s, "s2s", false, "the files hold clicks, installs and events")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if t.remote() {
			return usagef("import: --server: it works on --db only")
		}
		app, err := t.app(cmd)
		if err != nil {
			return err
		}
		defer func() { _ = app.Close() }() // imported is committed
		im := &importer{app: app, errs: cmd.ErrOrStderr(), counts: map[string]int{}}
		free, err := im.holdSeal(cmd.Context())
		if err != nil {
			return err
		}
		defer free()
		for _, name := range args {
			if err := im.file(cmd.Context(), name, s2s); err != nil {
				return err
			}
		}
		return im.report(cmd.OutOrStdout())
	}
	return cmd
}

const (
	importBatch = 200
	maxLine     = 1 << 20
)

type importer struct {
	app    *App
	holder string
	fence  int64
	errs   io.Writer
	counts map[string]int
	bad    int
	batch  []conversion.Arrival
	lines  []int
}

func (im *importer) file(ctx context.Context, name string, s2s bool) error {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return usagef("import: %w", err)
	}
	defer func() { _ = f.Close() }() // only read
	var in io.Reader = f
	if info, err := f.Stat(); err == nil && isTerminal(im.errs) {
		bar := progressbar.NewOptions64(info.Size(), progressbar.OptionSetWriter(im.errs),
			progressbar.OptionSetDescription(name), progressbar.OptionShowBytes(true), progressbar.OptionClearOnFinish())
		in = io.TeeReader(f, bar)
	}
	sc := bufio.NewScanner(in)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	for n := 1; sc.Scan(); n++ {
		line := bytes.TrimSpace(sc.Bytes())
		if len(line) == 0 {
			continue
		}
		if s2s {
			err = im.item(ctx, name, n, line)
		} else {
			err = im.postback(ctx, name, n, line)
		}
		if err != nil {
			return err
		}
	}
	if err := sc.Err(); err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	return im.flush(ctx, name)
}

func (im *importer) wrong(name string, n int, format string, args ...any) {
	im.bad++
	fmt.Fprintf(im.errs, "skand: %s:%d: %s\n", name, n, fmt.Sprintf(format, args...))
}

func (im *importer) postback(ctx context.Context, name string, n int, line []byte) error {
	var l struct {
		ReceivedAt time.Time       `json:"received_at"`
		Source     string          `json:"source"`
		Body       json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		im.wrong(name, n, "want {received_at, source, body}: %v", err)
		return nil
	}
	a := conversion.Arrival{ReceivedAt: l.ReceivedAt.UTC().Truncate(time.Millisecond), Body: l.Body}
	var text string
	if json.Unmarshal(l.Body, &text) == nil {
		a.Body = []byte(text)
	}
	kind, relay, _ := strings.Cut(l.Source, ":")
	a.Source, a.Relay = conversion.Source(kind), relay
	switch {
	case l.ReceivedAt.IsZero():
		im.wrong(name, n, "received_at: missing; give RFC 3339")
		return nil
	case l.ReceivedAt.After(im.app.clock.Now()) && im.app.lab == nil:
		im.wrong(name, n, "received_at: %s lies ahead of this machine's time", l.ReceivedAt.Format(time.RFC3339))
		return nil
	case a.Source != conversion.Developer && a.Source != conversion.Network && (a.Source != conversion.Relay || relay == ""):
		im.wrong(name, n, "source: want developer, network or relay:ID, got %q", l.Source)
		return nil
	case len(a.Body) > im.app.cfg.Limits.Body:
		im.wrong(name, n, "body: larger than %d bytes", im.app.cfg.Limits.Body)
		return nil
	}
	a.ID = archiveID(n, a)
	im.batch = append(im.batch, a)
	im.lines = append(im.lines, n)
	if len(im.batch) < importBatch {
		return nil
	}
	return im.flush(ctx, name)
}

const (
	sealHold = 5 * time.Minute
	sealWait = time.Minute
)

// holdSeal keeps the sealing job from running meanwhile, by its lease: a window of
// the past must not be sealed when half of its archive is in.
func (im *importer) holdSeal(ctx context.Context) (free func(), err error) {
	im.holder = "import " + uuid.NewString()
	deadline := im.app.clock.Now().Add(sealWait)
	for {
		now := im.app.clock.Now()
		fence, ok, err := im.app.store.AcquireJob(ctx, "seal", im.holder, now.Add(sealHold), now)
		if err != nil {
			return nil, fmt.Errorf("import: %w", err)
		}
		if ok {
			im.fence = fence
			break
		}
		if now.After(deadline) {
			return nil, errors.New("import: windows are being sealed, or another import runs; try again when it is done")
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-im.app.clock.After(100 * time.Millisecond):
		}
	}
	return func() {
		// Should this fail, the lease lapses by itself.
		_ = im.app.store.ReleaseJob(context.WithoutCancel(ctx), "seal", im.holder, im.fence)
	}, nil
}

// archiveSpace makes ids of archived copies names in a space of their own.
var archiveSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("skand:archive"))

// archiveID is the same whenever the same line of the same archive is read, so that
// an import that broke off can be run again; the line number keeps two identical
// copies in one archive apart.
func archiveID(line int, a conversion.Arrival) string {
	name := fmt.Sprintf("%d %d %s:%s ", line, a.ReceivedAt.UnixMilli(), a.Source, a.Relay)
	return uuid.NewSHA1(archiveSpace, append([]byte(name), a.Body...)).String()
}

// flush keeps a batch in one commit, in the order of the file.
func (im *importer) flush(ctx context.Context, name string) error {
	if len(im.batch) == 0 {
		return nil
	}
	if _, err := im.app.store.ExtendJob(ctx, "seal", im.holder, im.fence, im.app.clock.Now().Add(sealHold)); err != nil {
		return fmt.Errorf("import %s: %w", name, err)
	}
	outcomes, results, err := im.app.receiver.ReceiveAll(ctx, im.batch)
	if err != nil {
		return fmt.Errorf("import %s, lines %d to %d: %w", name, im.lines[0], im.lines[len(im.lines)-1], err)
	}
	for i, o := range outcomes {
		if results[i].NotObject {
			im.wrong(name, im.lines[i], "body: %s", results[i].Message)
			continue
		}
		if o.Reason == conversion.AlreadyImported {
			im.counts[o.Reason]++
			continue
		}
		im.counts[string(o.State)]++
	}
	im.batch, im.lines = im.batch[:0], im.lines[:0]
	return nil
}

func (im *importer) item(ctx context.Context, name string, n int, line []byte) error {
	var l struct {
		At   time.Time       `json:"at"`
		Path string          `json:"path"`
		Body json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		im.wrong(name, n, "want {at, path, body}: %v", err)
		return nil
	}
	// In an archive an item is judged by the time it came at.
	items := web.Items{Intake: im.app.items.Intake, Now: clock.NewManual(l.At).Now}
	take, ok := items.Takers()[l.Path]
	if !ok || l.At.IsZero() {
		im.wrong(name, n, "want at (RFC 3339) and path (/v1/clicks, /v1/installs, /v1/events or /v1/consents), got %q", l.Path)
		return nil
	}
	var text string
	if json.Unmarshal(l.Body, &text) == nil {
		l.Body = json.RawMessage(text)
	}
	taken, err := take(ctx, []json.RawMessage{l.Body})
	switch {
	case err != nil:
		return fmt.Errorf("import %s, line %d: %w", name, n, err)
	case taken[0].Rejected != nil:
		im.counts["rejected"]++
		im.wrong(name, n, "body: %v", taken[0].Rejected)
	case taken[0].Accepted:
		im.counts["accepted"]++
	default:
		im.counts["duplicate"]++
	}
	return nil
}

func (im *importer) report(w io.Writer) error {
	b, err := json.Marshal(im.counts)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w, string(b)); err != nil {
		return err
	}
	if im.bad > 0 {
		return &exitError{code: 1, err: fmt.Errorf("import: lines not taken, as said above: %d", im.bad)}
	}
	return nil
}
