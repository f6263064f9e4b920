package deb

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
)

// maxBytes bounds what is written of a package. Images have 8 to 15 MB.
const maxBytes = 1 << 28

// inside is where packages have what is kept: up to 6.x in boot, since 7.x beside the modules.
var inside = []struct{ pattern, file string }{
	{"boot/vmlinuz-*", imageFile},
	{"usr/lib/modules/*/vmlinuz", imageFile},
	{"lib/modules/*/vmlinuz", imageFile},
	{"boot/config-*", configFile},
	{"usr/lib/modules/*/config", configFile},
	{"lib/modules/*/config", configFile},
}

// unpack writes the image and the config of a package to dir, as far as the package has them and
// dir does not. What follows them, some hundred megabytes of modules, is not read.
func unpack(ctx context.Context, file, dir string) error {
	p := command(ctx, "dpkg-deb", "--fsys-tarfile", file)
	out, err := p.StdoutPipe()
	if err != nil {
		return fmt.Errorf("deb: %w", err)
	}
	if err := p.Start(); err != nil {
		return p.explain(err)
	}
	whole, err := take(out, dir)
	if whole {
		_ = out.Close()
		_ = p.Wait() // it ends by the closed pipe, and calls that an error
		return nil
	}
	_, _ = io.Copy(io.Discard, out)
	// An archive that ends too early is what is left of a dpkg that failed; dpkg says more.
	if ended := p.Wait(); ended != nil {
		return p.explain(ended)
	}
	if err != nil {
		return fmt.Errorf("deb: %s: %w", filepath.Base(file), err)
	}
	return nil
}

// take reads an archive until dir has both files, or to its end. It uses names of the archive to
// choose, and never as names of files.
func take(from io.Reader, dir string) (whole bool, err error) {
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		file := kept(h)
		if file == "" || has(filepath.Join(dir, file)) {
			continue
		}
		if h.Size > maxBytes {
			return false, fmt.Errorf("%s has %d bytes", file, h.Size)
		}
		if err := write(filepath.Join(dir, file), r); err != nil {
			return false, err
		}
		if has(filepath.Join(dir, imageFile)) && has(filepath.Join(dir, configFile)) {
			return true, nil
		}
	}
}

// kept is the name under which an entry of an archive is kept; "" for most. Links are not followed.
func kept(h *tar.Header) string {
	if h.Typeflag != tar.TypeReg {
		return ""
	}
	for _, in := range inside {
		if ok, _ := path.Match(in.pattern, path.Clean(h.Name)); ok {
			return in.file
		}
	}
	return ""
}

func write(path string, from io.Reader) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, from)
	return errors.Join(err, f.Close())
}
