package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	cache, state, only, stress string
	fetch                      bool
	seed                       string
	limit                      time.Duration
	selftests                  string
	more                       []string // flags of the runs
}

var errWrong = errors.New("something is wrong, as listed")

func main() {
	var o options
	flag.StringVar(&o.cache, "cache", "", "folder of the objects (default tailpoke/objects in the user's cache directory)")
	flag.StringVar(&o.state, "state", "", "folder that keeps the answers of each command; those in it are not asked for again")
	flag.StringVar(&o.only, "only", "", "ask about objects whose names contain this, no others")
	flag.StringVar(&o.stress, "stress", "", "the command, if it is not to be built")
	flag.BoolVar(&o.fetch, "fetch", false, "fetch the objects, ask nothing")
	flag.StringVar(&o.seed, "seed", "1", "seed of the runs")
	flag.DurationVar(&o.limit, "limit", 5*time.Minute, "what takes longer is ended, and is wrong")
	flag.StringVar(&o.selftests, "selftests", "", "the kernel's tail-call tests in their place, compiled from this package of Debian's, such as linux-source-6.12")
	flag.Parse()
	o.more = flag.Args()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := gather(ctx, os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, "objects:", err)
		stop()
		os.Exit(1)
	}
}

// gather does what the options say with the module in the working folder.
func gather(ctx context.Context, w io.Writer, o options) error {
	if o.cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		o.cache = filepath.Join(dir, "tailpoke", "objects")
	}
	objects, err := fetchAll(ctx, o)
	if err != nil {
		return err
	}
	if o.fetch {
		for _, ob := range objects {
			fmt.Fprintln(w, ob.file)
		}
		return nil
	}
	dir, err := os.MkdirTemp("", "gathering")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.state == "" {
		o.state = filepath.Join(dir, "state")
	}
	if o.stress == "" {
		o.stress = filepath.Join(dir, "stress")
		build := exec.CommandContext(ctx, "go", "build", "-o", o.stress, "./cmd/stress")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	if o.state, err = stateOf(o.state, o.stress); err != nil {
		return err
	}
	a := asker{o}
	for i, ob := range objects {
		fmt.Fprintf(os.Stderr, "%d of %d: %s, %d entries\n", i+1, len(objects), ob.name, len(ob.tailing))
		if err := a.all(ctx, ob); err != nil {
			return err
		}
	}
	if wrong := write(w, objects); wrong > 0 {
		return errWrong
	}
	return nil
}

// stateOf makes the folder in which the answers of this command are kept: of another one they are others.
func stateOf(state, command string) (string, error) {
	f, err := os.Open(command)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	dir := filepath.Join(state, hex.EncodeToString(sum.Sum(nil))[:12])
	return dir, os.MkdirAll(dir, 0o755)
}

// fetchAll has all objects in the cache, and reads those that are wanted.
func fetchAll(ctx context.Context, o options) ([]*object, error) {
	if o.selftests != "" {
		all, err := selftests(ctx, o.cache, o.selftests)
		return slices.DeleteFunc(all, func(ob *object) bool { return !strings.Contains(ob.name, o.only) }), err
	}
	modules, err := parseModules(modulesText)
	if err != nil {
		return nil, err
	}
	var out []*object
	for _, m := range modules {
		files, err := m.fetch(ctx, o.cache)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			name, err := filepath.Rel(o.cache, f)
			if err != nil {
				return nil, err
			}
			if strings.Contains(name, o.only) {
				out = append(out, readObject(filepath.ToSlash(name), f))
			}
		}
	}
	return out, nil
}
