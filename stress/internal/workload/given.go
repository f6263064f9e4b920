package workload

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
)

// Given is what an object's loader would say of it, and the object does not.
type Given struct {
	Type   string `json:"type,omitempty"`   // of programs whose sections name none, as sections name it
	Maps   string `json:"maps,omitempty"`   // NAME:FIELD=VALUE, with commas between them
	Consts string `json:"consts,omitempty"` // NAME=NUMBER, of global variables, likewise
}

// listed are the words of a list with commas.
func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// Check says what is wrong with it, whatever the object is.
func (g Given) Check() error {
	if _, ok := sections[g.Type]; g.Type != "" && !ok {
		return fmt.Errorf("--type %s: there are: %s", g.Type, strings.Join(sectionNames(), " "))
	}
	for _, text := range listed(g.Maps) {
		if _, _, _, err := mapField(text); err != nil {
			return err
		}
	}
	for _, text := range listed(g.Consts) {
		if _, _, err := constant(text); err != nil {
			return err
		}
	}
	return nil
}

// sections are the names of sections by which libbpf knows types of programs, where the name says all.
var sections = map[string]struct {
	kind ebpf.ProgramType
	at   ebpf.AttachType
}{
	"tc":                 {ebpf.SchedCLS, 0},
	"action":             {ebpf.SchedACT, 0},
	"xdp":                {ebpf.XDP, ebpf.AttachXDP},
	"socket":             {ebpf.SocketFilter, 0},
	"cgroup_skb/ingress": {ebpf.CGroupSKB, ebpf.AttachCGroupInetIngress},
	"cgroup_skb/egress":  {ebpf.CGroupSKB, ebpf.AttachCGroupInetEgress},
	"flow_dissector":     {ebpf.FlowDissector, ebpf.AttachFlowDissector},
	"kprobe":             {ebpf.Kprobe, 0},
	"tracepoint":         {ebpf.TracePoint, 0},
	"raw_tp":             {ebpf.RawTracepoint, 0},
	"perf_event":         {ebpf.PerfEvent, 0},
	"syscall":            {ebpf.Syscall, 0},
	"sk_lookup":          {ebpf.SkLookup, ebpf.AttachSkLookup},
	"sk_msg":             {ebpf.SkMsg, ebpf.AttachSkMsgVerdict},
	"sk_skb":             {ebpf.SkSKB, 0},
	"sockops":            {ebpf.SockOps, ebpf.AttachCGroupSockOps},
	"lwt_in":             {ebpf.LWTIn, 0},
	"lwt_out":            {ebpf.LWTOut, 0},
	"lwt_xmit":           {ebpf.LWTXmit, 0},
}

func sectionNames() (names []string) {
	for n := range sections {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// mapField reads NAME:FIELD=VALUE.
func mapField(text string) (name, field, value string, err error) {
	name, rest, ok := strings.Cut(text, ":")
	field, value, ok2 := strings.Cut(rest, "=")
	if !ok || !ok2 || name == "" {
		return "", "", "", fmt.Errorf("--map %s: want NAME:FIELD=VALUE, such as jmp:max_entries=16", text)
	}
	if field == "inner" {
		return name, field, value, nil
	}
	if !slices.Contains(sizeNames, field) {
		return "", "", "", fmt.Errorf("--map %s: no field %q; there are: %s inner", text, field, strings.Join(sizeNames, " "))
	}
	if n, err := strconv.ParseUint(value, 0, 32); err != nil || n == 0 {
		return "", "", "", fmt.Errorf("--map %s: want a number from 1", text)
	}
	return name, field, value, nil
}

var sizeNames = []string{"max_entries", "key_size", "value_size"}

// constant reads NAME=NUMBER.
func constant(text string) (name string, value uint64, err error) {
	name, number, ok := strings.Cut(text, "=")
	value, err = strconv.ParseUint(number, 0, 64)
	if signed, err2 := strconv.ParseInt(number, 0, 64); err != nil && err2 == nil {
		value, err = uint64(signed), nil
	}
	if !ok || name == "" || err != nil {
		return "", 0, fmt.Errorf("--const %s: want NAME=NUMBER", text)
	}
	return name, value, nil
}

// apply makes of what an object's file holds what its loader would.
func (g Given) apply(spec *ebpf.CollectionSpec) error {
	if err := g.Check(); err != nil {
		return err
	}
	untyped := false
	for _, p := range spec.Programs {
		if s, ok := sections[g.Type]; ok && p.Type == ebpf.UnspecifiedProgram {
			p.Type, p.AttachType, untyped = s.kind, s.at, true
		}
	}
	if g.Type != "" && !untyped {
		return fmt.Errorf("--type %s: the section of every program names its type", g.Type)
	}
	for _, text := range listed(g.Maps) {
		if err := setField(spec, text); err != nil {
			return fmt.Errorf("--map %s: %w", text, err)
		}
	}
	for _, text := range listed(g.Consts) {
		name, value, err := constant(text)
		if err != nil {
			return err
		}
		v := spec.Variables[name]
		if v == nil || v.Size() > 8 {
			return fmt.Errorf("--const %s: no variable %q of at most 8 bytes", text, name)
		}
		if err := v.Set(binary.LittleEndian.AppendUint64(nil, value)[:v.Size()]); err != nil {
			return fmt.Errorf("--const %s: %w", text, err)
		}
	}
	iproute2(spec)
	fillIn(spec)
	return nil
}

func setField(spec *ebpf.CollectionSpec, text string) error {
	name, field, value, err := mapField(text)
	if err != nil {
		return err
	}
	m := spec.Maps[name]
	if m == nil {
		return fmt.Errorf("no map %q", name)
	}
	if field == "inner" {
		inner := spec.Maps[value]
		if inner == nil || inner == m {
			return fmt.Errorf("no other map %q", value)
		}
		m.InnerMap = inner.Copy()
		m.InnerMap.Pinning = ebpf.PinNone
		return nil
	}
	n, err := strconv.ParseUint(value, 0, 32)
	*map[string]*uint32{"max_entries": &m.MaxEntries, "key_size": &m.KeySize, "value_size": &m.ValueSize}[field] = uint32(n)
	return err
}

// Offsets in what iproute2's struct bpf_elf_map has behind the five fields that all have.
const (
	extraID      = 0
	extraInnerID = 8
	extraSize    = 12 // up to there
)

// iproute2 takes what the object's maps say to iproute2 alone, which the library refuses: which map is
// the pattern of another one's inner maps. Where they are pinned is of no use here.
func iproute2(spec *ebpf.CollectionSpec) {
	byID, wants := map[uint32]*ebpf.MapSpec{}, map[*ebpf.MapSpec]uint32{}
	for _, m := range spec.Maps {
		if m.Extra == nil {
			continue
		}
		b, err := io.ReadAll(m.Extra)
		if m.Extra = nil; err != nil || len(b) < extraSize {
			continue
		}
		if id := binary.LittleEndian.Uint32(b[extraID:]); id != 0 {
			byID[id] = m
		}
		wants[m] = binary.LittleEndian.Uint32(b[extraInnerID:])
	}
	for m, id := range wants {
		if inner := byID[id]; id != 0 && inner != nil && m.InnerMap == nil && mapOfMaps(m) {
			m.InnerMap = inner.Copy()
			m.InnerMap.Pinning = ebpf.PinNone
		}
	}
}

func mapOfMaps(m *ebpf.MapSpec) bool { return m.Type == ebpf.ArrayOfMaps || m.Type == ebpf.HashOfMaps }

// Sizes of maps whose loader would know better.
const (
	filledKeys  = 64 // of prog arrays
	filledBytes = 4096
	filledMax   = 16
)

// fillIn gives maps sizes, and patterns of inner maps, that no kernel takes as they are.
func fillIn(spec *ebpf.CollectionSpec) {
	for _, m := range spec.Maps {
		if mapOfMaps(m) && m.InnerMap == nil {
			m.InnerMap = &ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: filledMax}
		}
		for _, one := range []*ebpf.MapSpec{m, m.InnerMap} {
			if one == nil || one.MaxEntries != 0 {
				continue
			}
			switch one.Type {
			case ebpf.ProgramArray:
				one.MaxEntries = filledKeys
			case ebpf.RingBuf, ebpf.UserRingbuf:
				one.MaxEntries = filledBytes
			case ebpf.PerfEventArray: // the library counts CPUs
			case ebpf.SkStorage, ebpf.TaskStorage, ebpf.InodeStorage, ebpf.CGroupStorage, ebpf.PerCPUCGroupStorage: // they have no size
			default:
				one.MaxEntries = filledMax
			}
		}
	}
}
