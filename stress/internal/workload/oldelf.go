package workload

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
)

// readELF reads an object file. Line information is for messages alone: where it is what makes the
// library refuse the file, there is none. Of a map and of a function old compilers say where it begins, and
// neither that it is one nor how long it is: clang 7 leaves out both. The library wants both, so that
// they are filled in where it refuses the file as it is.
func readELF(raw []byte) (*ebpf.CollectionSpec, error) {
	if len(raw) > elf.EI_DATA && raw[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		return nil, errors.New("made for a big-endian machine")
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(raw))
	if err == nil {
		return spec, nil
	}
	if untyped, typed := untypeKsyms(raw); untyped != nil {
		if spec, err = readELF(untyped); err == nil {
			err = typeKsyms(spec, typed)
		}
		return spec, err
	}
	for _, mend := range []func([]byte) []byte{nameSymbols, withoutLines} {
		if mended := mend(raw); mended != nil {
			if spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(mended)); err == nil {
				return spec, nil
			}
		}
	}
	return nil, err
}

// Offsets in the header of .BTF.ext, whose parts begin with the size of their records.
const (
	extFuncOff = 8 // where the information of functions begins, behind the header
	extLineOff = 16
	extLineLen = 20
	extHeader  = 24 // bytes of it
)

// withoutLines returns the file with no line information, or nil if it has none.
func withoutLines(raw []byte) []byte {
	f, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil || f.ByteOrder != binary.LittleEndian {
		return nil
	}
	s := f.Section(".BTF.ext")
	if s == nil || uint64(len(raw)) < extHeader || s.Offset > uint64(len(raw))-extHeader {
		return nil
	}
	mended := bytes.Clone(raw)
	h := mended[s.Offset:]
	copy(h[extLineOff:extLineLen], h[extFuncOff:]) // a size of records
	binary.LittleEndian.PutUint32(h[extLineLen:], 4)
	return mended
}

// In an entry of a table of symbols.
const (
	symbolEntry = 24 // bytes of it
	symbolInfo  = 4
	symbolSize  = 16
)

// nameSymbols returns the file with maps as objects, and functions as such, that end where the next
// begins. It is nil if there is none to mend.
func nameSymbols(raw []byte) []byte {
	f, err := elf.NewFile(bytes.NewReader(raw))
	if err != nil || f.Class != elf.ELFCLASS64 || f.ByteOrder != binary.LittleEndian {
		return nil
	}
	symbols, err := f.Symbols()
	table := f.SectionByType(elf.SHT_SYMTAB)
	if err != nil || table == nil || table.Offset > uint64(len(raw)) ||
		uint64(len(symbols)+1)*symbolEntry > uint64(len(raw))-table.Offset {
		return nil
	}
	ends := map[elf.SectionIndex][]uint64{} // where symbols begin, and where their section ends
	for _, sym := range symbols {
		if k := symbolKind(f, sym); k != elf.STT_NOTYPE {
			ends[sym.Section] = append(ends[sym.Section], sym.Value, f.Sections[sym.Section].Size)
		}
	}
	for _, e := range ends {
		slices.Sort(e)
	}
	var mended []byte
	for i, sym := range symbols {
		kind, after := symbolKind(f, sym), ends[sym.Section]
		next, _ := slices.BinarySearch(after, sym.Value+1)
		if kind == elf.STT_NOTYPE || elf.ST_TYPE(sym.Info) != elf.STT_NOTYPE || next == len(after) {
			continue
		}
		if mended == nil {
			mended = bytes.Clone(raw)
		}
		entry := mended[table.Offset+uint64(i+1)*symbolEntry:] // the first entry is of no symbol
		entry[symbolInfo] = byte(elf.ST_BIND(sym.Info))<<4 | byte(kind)
		binary.LittleEndian.PutUint64(entry[symbolSize:], after[next]-sym.Value)
	}
	return mended
}

// symbolKind is what a symbol is, by its section: a map, a function, or of no interest.
func symbolKind(f *elf.File, sym elf.Symbol) elf.SymType {
	if int(sym.Section) >= len(f.Sections) || elf.ST_TYPE(sym.Info) == elf.STT_SECTION {
		return elf.STT_NOTYPE
	}
	label := elf.ST_BIND(sym.Info) == elf.STB_LOCAL && strings.HasPrefix(sym.Name, "LBB") // of a jump
	switch s := f.Sections[sym.Section]; {
	case s.Name == "maps" || strings.HasPrefix(s.Name, "maps/"):
		return elf.STT_OBJECT
	case s.Type == elf.SHT_PROGBITS && s.Flags&elf.SHF_EXECINSTR != 0 && !label:
		return elf.STT_FUNC
	}
	return elf.STT_NOTYPE
}
