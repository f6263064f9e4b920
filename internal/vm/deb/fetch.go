package deb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// What a kernel's directory in the cache has. The config may be missing.
const (
	imageFile  = "vmlinuz"
	configFile = "config"
)

// Cache is where kernels are kept.
type Cache struct {
	Dir string       // made when needed
	Say func(string) // told what takes long; nil for nobody

	keyrings []string // one of them has Debian's keys; none stands for those of Debian
}

func (c Cache) say(text string) {
	if c.Say != nil {
		c.Say(text)
	}
}

// Fetch returns the path of the kernel image of a Debian package, downloading it unless it is in
// the user's cache. The name is what follows linux-image-, such as "6.1.0-56-amd64" or
// "7.3.4+deb13-amd64"; or a version alone, such as "6.1", for its newest kernel. The kernel's config
// is beside the image, if the package has one.
func Fetch(ctx context.Context, name string, say func(string)) (path string, err error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("deb: %w", err)
	}
	return Cache{Dir: filepath.Join(dir, "tailpoke", "kernels"), Say: say}.Fetch(ctx, name)
}

// namePattern is of a kernel of one version. Metapackages such as amd64 have no image, and the
// cache's own files no name that begins with a digit.
var namePattern = regexp.MustCompile(`^[0-9][a-z0-9.+-]*$`)

// Fetch is [Fetch] with a cache of the caller's choice.
func (c Cache) Fetch(ctx context.Context, name string) (path string, err error) {
	if versionPattern.MatchString(name) {
		if name, err = c.Newest(ctx, name); err != nil {
			return "", err
		}
	}
	if !namePattern.MatchString(name) {
		return "", errorOf(ErrUnknown, "deb: %q names no kernel: want one such as 6.1.0-56-amd64", name)
	}
	if path, ok := c.cached(name); ok {
		return path, nil
	}
	a, unlock, err := c.open(ctx)
	if err != nil {
		return "", err
	}
	defer unlock()
	if path, ok := c.cached(name); ok { // by the one that was waited for
		return path, nil
	}
	names, err := a.names(ctx, func(names []string) bool { return len(images(name, names)) > 0 })
	if err != nil {
		return "", err
	}
	packages := images(name, names)
	if len(packages) == 0 {
		return "", errorOf(ErrUnknown, "deb: Debian has no kernel %s%s", name, hint(name, names))
	}
	if slices.Contains(names, configPackage(name)) {
		packages = append(packages, configPackage(name))
	}
	return c.fetch(ctx, a, name, packages)
}

// images lists the packages that may have the image, of those that there are, in order. Up to 6.x
// it is in linux-image-; since 7.x that one is empty, and needs linux-binary-. What is signed, as
// most are, comes before the same without signature.
func images(name string, names []string) []string {
	var out []string
	for _, p := range []string{
		"linux-image-" + name, "linux-image-" + name + "-unsigned",
		"linux-binary-" + name, "linux-binary-unsigned-" + name,
	} {
		if slices.Contains(names, p) {
			out = append(out, p)
		}
	}
	return out
}

// configPackage has the config of a kernel whose image is in linux-binary-.
func configPackage(name string) string { return "linux-base-" + name }

// cached is the path of a kernel's image, and whether it is there.
func (c Cache) cached(name string) (string, bool) {
	path := filepath.Join(c.Dir, name, imageFile)
	return path, has(path)
}

func has(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() > 0
}

// fetch puts a kernel together in a directory beside the others, and renames it.
func (c Cache) fetch(ctx context.Context, a *apt, name string, packages []string) (string, error) {
	beside := filepath.Join(c.Dir, "new")
	if err := os.RemoveAll(beside); err != nil { // of one that was ended by force
		return "", fmt.Errorf("deb: %w", err)
	}
	defer func() { _ = os.RemoveAll(beside) }()
	kernel, download := filepath.Join(beside, name), filepath.Join(beside, "download")
	if err := makeDirs(kernel, download); err != nil {
		return "", err
	}
	for _, p := range packages {
		lacks := imageFile
		if p == configPackage(name) {
			lacks = configFile
		}
		if has(filepath.Join(kernel, lacks)) {
			continue
		}
		c.say("fetching " + p)
		file, err := a.download(ctx, p, download)
		if err != nil {
			return "", err
		}
		if err := unpack(ctx, file, kernel); err != nil {
			return "", err
		}
		if err := os.Remove(file); err != nil {
			return "", fmt.Errorf("deb: %w", err)
		}
	}
	if !has(filepath.Join(kernel, imageFile)) {
		return "", fmt.Errorf("deb: no kernel image in %s", strings.Join(packages, ", "))
	}
	return c.publish(name, kernel)
}

// publish gives a kernel that is whole its place in the cache. What may be there has no image.
func (c Cache) publish(name, kernel string) (string, error) {
	path, _ := c.cached(name)
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("deb: %w", err)
	}
	if err := os.Rename(kernel, filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("deb: %w", err)
	}
	return path, nil
}

func makeDirs(dirs ...string) error {
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return fmt.Errorf("deb: %w", err)
		}
	}
	return nil
}
