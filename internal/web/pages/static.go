package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed static templates
var files embed.FS

// asset is a static file as it is served.
type asset struct {
	kind       string
	body, gzip []byte
	tag        string
}

// The files by the name that they are served under, which holds the beginning of their
// SHA-256: a new file has a new name, so an old one may be kept for ever.
var assets = sync.OnceValue(func() (all struct {
	byName map[string]asset
	names  map[string]string // by the name in the folder
}) {
	all.byName, all.names = map[string]asset{}, map[string]string{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".LICENSE") {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		base, ext := path.Base(name), path.Ext(name)
		served := strings.TrimSuffix(base, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		kind := mime.TypeByExtension(ext)
		switch ext { // not what the machine's own table says
		case ".js":
			kind = "text/javascript; charset=utf-8"
		case ".css":
			kind = "text/css; charset=utf-8"
		case ".svg":
			kind = "image/svg+xml"
		}
		all.byName[served] = asset{kind: kind, body: body, gzip: zipped(body), tag: `"` + hex.EncodeToString(sum[:12]) + `"`}
		all.names[base] = served
		return nil
	})
	if err != nil {
		panic(err) // the files are in the program
	}
	return all
})

func zipped(body []byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return b.Bytes()
}

const staticPath = "/static/"

// Asset is the path that a file of the folder is served at; it panics for one that is
// not there, which a test of every template would meet.
func Asset(name string) string {
	served, ok := assets().names[name]
	if !ok {
		panic("pages: no static file " + name)
	}
	return staticPath + served
}

// Static serves the files below /static/. They are the same for everybody, so nobody has
// to be signed in.
func Static(w http.ResponseWriter, r *http.Request) {
	a, ok := assets().byName[strings.TrimPrefix(r.URL.Path, staticPath)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", a.tag)
	if r.Header.Get("If-None-Match") == a.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.body
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = a.gzip
	}
	_, _ = w.Write(body) // a reader who went away needs no file
}

func acceptsGzip(r *http.Request) bool {
	for _, part := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
