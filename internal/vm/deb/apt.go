package deb

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// apt is Debian's, with directories, sources and rules of its own.
type apt struct {
	dir string
	say func(string)
}

// fresh is how long apt's lists are taken for the truth.
const fresh = 24 * time.Hour

// debianKeys are where debian-archive-keyring puts Debian's keys; the name has changed.
var debianKeys = []string{
	"/usr/share/keyrings/debian-archive-keyring.gpg",
	"/usr/share/keyrings/debian-archive-keyring.pgp",
}

// sources are the suites that have kernels. Each package is verified, by the signature of its
// suite and the sums that are signed. The signature's age is not asked for: a mirror may be late,
// as some are by weeks with sid, a suite that Debian gives up may expire, and an old kernel is what
// one wants here.
func sources(keys string) string {
	var out strings.Builder
	for _, s := range []struct{ archive, suites string }{
		{"debian", "bullseye bookworm bookworm-backports trixie trixie-backports sid"},
		{"debian-security", "bullseye-security bookworm-security trixie-security"},
	} {
		for suite := range strings.FieldsSeq(s.suites) {
			fmt.Fprintf(&out, "deb [arch=amd64 signed-by=%s check-valid-until=no] "+
				"http://deb.debian.org/%s %s main\n", keys, s.archive, suite)
		}
	}
	return out.String()
}

// config is read after the machine's own, of which the proxy and the credentials for it stay. Hooks
// would tell the desktop of packages that it does not have; a default release need not be among our
// sources; and nothing may let in what is not signed. apt gives up root for a user that cannot
// read root's cache: of the two, the directory must win. Translations and the data of software
// shops would be half of what is downloaded.
const config = `#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Default-Release;
#clear APT::Architectures;
APT::Architecture "amd64";
APT::Architectures { "amd64"; };
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "2";
Dir::State "DIR";
Dir::State::lists "DIR/lists";
Dir::State::status "DIR/status";
Dir::Cache "DIR/cache";
Dir::Cache::archives "archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "DIR/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "DIR/preferences";
Dir::Etc::preferencesparts "DIR/preferences.d";
`

// newApt writes what apt needs in dir. The caller holds the lock of the cache.
func (c Cache) newApt(dir string) (*apt, error) {
	for _, program := range []string{"apt-get", "apt-cache", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, errorOf(ErrMissing, "deb: needs apt-get and dpkg-deb")
		}
	}
	if strings.ContainsAny(dir, "\"\\\n") {
		return nil, fmt.Errorf("deb: apt takes no directory such as %q", dir)
	}
	keyrings := c.keyrings
	if keyrings == nil {
		keyrings = debianKeys
	}
	i := slices.IndexFunc(keyrings, has)
	if i < 0 {
		return nil, errorOf(ErrMissing, "deb: needs %s, of the package debian-archive-keyring", keyrings[0])
	}
	err := makeDirs(filepath.Join(dir, "lists", "partial"), filepath.Join(dir, "preferences.d"),
		filepath.Join(dir, "cache", "archives", "partial"))
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{
		"apt.conf":     strings.ReplaceAll(config, "DIR", dir),
		"sources.list": sources(keyrings[i]),
		"preferences":  "",
		"status":       "", // nothing is installed
	} {
		if err := keep(filepath.Join(dir, name), text); err != nil {
			return nil, fmt.Errorf("deb: %w", err)
		}
	}
	return &apt{dir: dir, say: c.say}, nil
}

// keep writes a file, unless it has that text: apt reads all lists again, which takes seconds, when
// its sources or its status are newer than what it has made of the lists.
func keep(path, text string) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == text {
		return nil
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// names lists the packages that have to do with kernels. The lists are downloaded if they are old,
// or if what they say is not enough. Where some of them cannot be had, the others may be enough:
// a suite moves to another server when it is old, and an old machine lacks the keys of a new one.
func (a *apt) names(ctx context.Context, enough func([]string) bool) ([]string, error) {
	names, err := a.known(ctx)
	if err != nil {
		return nil, err
	}
	stamp := filepath.Join(a.dir, "updated")
	info, err := os.Stat(stamp)
	if err == nil && time.Since(info.ModTime()) < fresh && enough(names) {
		return names, nil
	}
	a.say("fetching the index of Debian's packages, some 40 MB")
	_, failed := a.run(ctx, a.dir, "apt-get", "-q", "update")
	if names, err = a.known(ctx); err != nil {
		return nil, err
	}
	if failed != nil {
		if enough(names) {
			return names, nil
		}
		return nil, failed
	}
	if err := os.WriteFile(stamp, []byte("\n"), 0o644); err != nil {
		return nil, fmt.Errorf("deb: %w", err)
	}
	return names, nil
}

// known lists what the lists say now.
func (a *apt) known(ctx context.Context) ([]string, error) {
	out, err := a.run(ctx, a.dir, "apt-cache", "pkgnames", "linux-")
	return strings.Fields(out), err
}

// download gets a package into a directory that is empty, and returns its file.
func (a *apt) download(ctx context.Context, pkg, dir string) (file string, err error) {
	if _, err := a.run(ctx, dir, "apt-get", "-q", "download", pkg); err != nil {
		return "", err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(files) != 1 {
		return "", fmt.Errorf("deb: apt-get downloaded %d files of %s", len(files), pkg)
	}
	return files[0], nil
}

// run returns what one of apt's programs prints.
func (a *apt) run(ctx context.Context, dir, program string, args ...string) (string, error) {
	p := command(ctx, program, append([]string{"-c", filepath.Join(a.dir, "apt.conf")}, args...)...)
	p.Dir = dir
	out, err := p.Output()
	return string(out), p.explain(err)
}
