package catalogue

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tailpoke/stress/internal/identity"
	"tailpoke/stress/internal/workload"
	"tailpoke/stress/report"
)

// identityOf compares the programs of files, and of the object files in folders.
func identityOf(ctx context.Context, names []string, told func(done, all int)) (*report.Identity, error) {
	var objects []identity.Object
	for _, name := range names {
		files, err := objectFiles(name)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			objects = append(objects, identity.Object{Name: file, Read: func() ([]identity.Sample, error) {
				raw, err := workload.ReadRegular(file, workload.MaxObject)
				if err != nil {
					return nil, err
				}
				return objectSamples(file, raw)
			}})
		}
	}
	r, err := identity.CheckObjects(ctx, objects, told)
	if err != nil {
		return nil, err
	}
	if one := r.Objects; len(objects) == 1 && len(one) == 1 && one[0].Refused != "" {
		return nil, errors.New(one[0].Refused)
	}
	for i := range r.Objects {
		o := &r.Objects[i]
		o.Refused = strings.TrimPrefix(o.Refused, o.Name+": ")
	}
	return &r.Identity, nil
}

// objectFiles are the object files of BPF in a folder, or what is named itself.
func objectFiles(name string) ([]string, error) {
	st, err := os.Stat(name)
	var there *fs.PathError
	switch {
	case errors.As(err, &there): // "stat" says nothing to users
		return nil, fmt.Errorf("%s: %w", name, there.Err)
	case err != nil:
		return nil, err
	case !st.IsDir():
		return []string{name}, nil
	}
	var out []string
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && isObject(path) {
			out = append(out, path)
		}
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: no object file of BPF in it", name)
	}
	return out, err
}

// isObject says whether a file begins as code for BPF does. One that is cut off later is refused with
// a reason, as is one that cannot be read.
func isObject(path string) bool {
	const machine = 18 // where its two bytes are
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, machine+2)
	if _, err := io.ReadFull(f, head); err != nil || !bytes.HasPrefix(head, []byte(elf.ELFMAG)) {
		return false
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	return order.Uint16(head[machine:]) == uint16(elf.EM_BPF)
}
