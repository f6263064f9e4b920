package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"tailpoke/internal/metrics"
	"tailpoke/internal/state"
	"tailpoke/stress/report"
	"tailpoke/stress/report/render"
)

// Times that a browser may take, and the server at its end.
const (
	readTime  = 10 * time.Second
	writeTime = time.Minute
	endTime   = 2 * time.Second
)

// A Server shows one folder.
type Server struct {
	Dir string
	// Stamp says in a document what made it.
	Stamp func(*report.Document)

	mu    sync.Mutex
	kept  map[string]answer // by what is asked for
	since time.Time         // the journal's last change, as of what is kept
	size  int64
}

// An answer is what the server sends, and a name for just that.
type answer struct {
	content []byte
	tag     string
}

// Handler is what answers on an address.
func (s *Server) Handler(at net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.form("text/html; charset=utf-8", render.LivePage))
	mux.HandleFunc("GET /report.json", s.form("application/json", writeJSON))
	mux.HandleFunc("GET /metrics", s.form(metrics.ContentType, metrics.Text))
	mux.HandleFunc("GET /bundles/{name}", s.bundle)
	return guarded(mux, loopback(at))
}

// Serve answers until the context ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(l.Addr()), ReadHeaderTimeout: readTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: writeTime,
		MaxHeaderBytes: 1 << 14,
	}
	ended := context.AfterFunc(ctx, func() {
		bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), endTime)
		defer stop()
		if server.Shutdown(bounded) != nil {
			server.Close()
		}
	})
	defer ended()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func writeJSON(w io.Writer, d *report.Document) error { return json.NewEncoder(w).Encode(d) }

// form answers with the document in a form, or says that the browser has it already.
func (s *Server) form(kind string, write func(io.Writer, *report.Document) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, err := s.current(kind, write)
		if err != nil {
			http.Error(w, "the state cannot be read: "+err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("ETag", a.tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
	}
}

// current is the newest answer. A journal that has not grown is not read again.
func (s *Server) current(kind string, write func(io.Writer, *report.Document) error) (answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, size, err := state.Changed(s.Dir)
	if err != nil {
		return answer{}, errors.Unwrap(err) // without the folder's path
	}
	if !at.Equal(s.since) || size != s.size || s.kept == nil {
		s.kept, s.since, s.size = map[string]answer{}, at, size
	}
	if a, ok := s.kept[kind]; ok {
		return a, nil
	}
	sum, err := state.Read(s.Dir)
	if err != nil {
		return answer{}, errors.New("its journal is damaged")
	}
	d := sum.Document()
	s.Stamp(d)
	d.Again = withoutFolders(d.Again)
	if d.Subject != nil {
		about := *d.Subject
		about.Object = withoutFolders(about.Object)
		d.Subject = &about
	}
	var b bytes.Buffer
	if err := write(&b, d); err != nil {
		return answer{}, err
	}
	a := answer{b.Bytes(), fmt.Sprintf(`"%x"`, sha256.Sum256(b.Bytes()))}
	s.kept[kind] = a
	return a, nil
}

// folders are those in which a file lies, in a command line.
var folders = regexp.MustCompile(`(^|[ '"=])/(?:[^/'"]*/)*`)

// withoutFolders leaves names of files alone: where they lie, and so whose they are, is nobody's affair.
func withoutFolders(text string) string { return folders.ReplaceAllString(text, "$1") }

// bundle sends a file of the folder of bundles, and of no other.
func (s *Server) bundle(w http.ResponseWriter, r *http.Request) {
	root, err := os.OpenRoot(filepath.Join(s.Dir, state.Bundles))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer root.Close()
	f, err := root.Open(r.PathValue("name"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Mode().Type() != fs.FileMode(0) {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment")
	http.ServeContent(w, r, "", info.ModTime(), f)
}

// guarded adds what protects a reader: pages may be shown in no other one's, and on a loopback address
// only the names of this machine's are answered to.
func guarded(next http.Handler, local bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		if local && !localName(r.Host) {
			http.Error(w, "this server answers to localhost alone", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// localName reports whether the host of a request is a name of this machine's alone.
func localName(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	at, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && at.IsLoopback()
}

func trimBrackets(host string) string {
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}

func loopback(at net.Addr) bool {
	t, ok := at.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
