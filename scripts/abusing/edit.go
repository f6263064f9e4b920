package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// edits draws how many times something is changed: more often than not once.
func edits(r *rand.Rand) int { return oneOf(r, []int{0, 1, 1, 1, 1, 2, 3}) }

// deep is how far something is nested that nobody nests.
const deep = 20_000

var words = regexp.MustCompile(`[0-9A-Za-z_-]+|[^0-9A-Za-z_\s-]`)

// editText makes a text a little wrong, or leaves it right.
func editText(r *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range edits(r) {
		if len(data) == 0 {
			return data
		}
		found := words.FindAllIndex(data, -1)
		if len(found) == 0 || r.IntN(5) == 0 {
			data = editBytes(r, data)
			continue
		}
		at, other := oneOf(r, found), oneOf(r, found)
		word := func(s string) []byte { return splice(data, at[0], at[1], s) }
		switch r.IntN(14) {
		case 10, 11, 12, 13: // another word of the same text, which may well fit
			data = word(string(data[other[0]:other[1]]))
		case 0:
			data = word("")
		case 1:
			data = word(oneOf(r, nasty))
		case 2, 3:
			data = word(oneOf(r, slices.Concat(numbers.wild, numbers.bad)))
		case 4:
			data = word(strings.Repeat(string(data[at[0]:at[1]])+" ", 2+r.IntN(3)))
		case 5:
			data = word(strings.Repeat(string(data[at[0]:at[1]])+" ", deep))
		case 6: // a line, very often
			lines := bytes.SplitAfter(data, []byte("\n"))
			i := r.IntN(len(lines))
			data = bytes.Join(slices.Insert(lines, i, bytes.Repeat(lines[i], oneOf(r, []int{1, 2, 100, 3000}))), nil)
		case 7:
			data = word(strings.Repeat(oneOf(r, []string{"each { ", "{", "(", "[", "if "}), deep))
		case 8: // of two lines, each takes the place of the other
			lines := bytes.SplitAfter(data, []byte("\n"))
			i, j := r.IntN(len(lines)), r.IntN(len(lines))
			lines[i], lines[j] = lines[j], lines[i]
			data = bytes.Join(lines, nil)
		case 9:
			data = oneOf(r, [][]byte{
				bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n")), append([]byte("\ufeff"), data...), bytes.ToUpper(data),
				bytes.ReplaceAll(data, []byte("\n"), []byte(" ")), bytes.TrimSpace(data), append(data, 0), nil,
			})
		}
	}
	return data
}

func splice(data []byte, from, to int, with string) []byte {
	return slices.Concat(data[:from], []byte(with), data[to:])
}

// editBytes makes bytes wrong, whatever they stand for.
func editBytes(r *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	if len(data) == 0 {
		return data
	}
	i, j := r.IntN(len(data)), r.IntN(len(data))
	i, j = min(i, j), max(i, j)
	switch r.IntN(6) {
	case 0:
		return data[:i]
	case 1:
		data[i] ^= 1 << r.IntN(8)
	case 2:
		for range 1 + r.IntN(20) {
			data[r.IntN(len(data))] = byte(r.Uint32())
		}
	case 3:
		return splice(data, i, j, "")
	case 4:
		return slices.Concat(data[:j], data[i:])
	case 5:
		return splice(data, i, i, oneOf(r, []string{"\x00", "\xff", "\x1b[2J", "\n", strings.Repeat("\x00", 100_000)}))
	}
	return data
}

// editJSON changes values of an object, or its text.
func editJSON(r *rand.Rand, data []byte) []byte {
	if r.IntN(4) == 0 {
		return editText(r, data)
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return data
	}
	for range edits(r) {
		v = editValue(r, v)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return data // a name that is none in JSON
	}
	return bytes.ReplaceAll(out, []byte(`"NESTED"`), []byte(strings.Repeat("[", deep)+strings.Repeat("]", deep)))
}

// odd are values of every type.
var odd = []any{
	nil, true, "", "NESTED", "\x1b[2J", "日本", strings.Repeat("n", 10_000), []any{}, map[string]any{}, []any{nil, 1, "x"},
	json.Number("-1"), json.Number("0"), json.Number("1e999"), json.Number("1.5"), json.Number("255"), json.Number("256"), json.Number("99999999"),
	json.Number("9223372036854775807"), json.Number("18446744073709551616"), json.Number(strings.Repeat("9", 400)),
}

// editValue changes one value somewhere below v.
func editValue(r *rand.Rand, v any) any {
	switch v := v.(type) {
	case map[string]any:
		var keys []string
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if len(keys) == 0 || r.IntN(12) == 0 {
			v[oneOf(r, []string{"extra", "", "\x1b[2J", "schema"})] = oneOf(r, odd)
			return v
		}
		k := oneOf(r, keys)
		switch r.IntN(12) {
		case 0:
			delete(v, k)
		case 1:
			v[strings.ToUpper(k)] = v[k]
			delete(v, k)
		case 2:
			v[k] = v[oneOf(r, keys)]
		default:
			v[k] = editValue(r, v[k])
		}
		return v
	case []any:
		if len(v) == 0 {
			return []any{oneOf(r, odd)}
		}
		i, j := r.IntN(len(v)), r.IntN(len(v))
		switch r.IntN(8) {
		case 0:
			return slices.Delete(v, i, i+1)
		case 1:
			return slices.Insert(v, i, v[j])
		case 2:
			v[i], v[j] = v[j], v[i]
		case 3:
			return slices.Concat(slices.Repeat(v[:i], oneOf(r, []int{2, 100})), v[i:])
		default:
			v[i] = editValue(r, v[i])
		}
		return v
	case string:
		if r.IntN(2) == 0 {
			return string(editText(r, []byte(v)))
		}
	case json.Number:
		if n, err := v.Int64(); err == nil && r.IntN(2) == 0 {
			return n + oneOf(r, []int64{-1, 1, 2, 7})
		}
	}
	return oneOf(r, odd)
}

// editObject changes an ELF file: more often its headers, which say where everything is.
func editObject(r *rand.Rand, data []byte) []byte {
	const header, sections, count, section = 64, 0x28, 0x3c, 64
	data = slices.Clone(data)
	for range edits(r) {
		if len(data) < header || r.IntN(4) == 0 {
			data = editBytes(r, data)
			continue
		}
		at := r.IntN(header)
		if table := binary.LittleEndian.Uint64(data[sections:]); r.IntN(3) > 0 && table < uint64(len(data)) {
			at = int(table) + r.IntN(max(1, section*int(binary.LittleEndian.Uint16(data[count:]))))
		}
		switch at = min(at, len(data)-8); r.IntN(4) {
		case 0:
			data[at] ^= 1 << r.IntN(8)
		case 1:
			data[at] = byte(r.Uint32())
		case 2:
			binary.LittleEndian.PutUint64(data[at&^7:], oneOf(r, []uint64{0, 1, 1 << 31, 1 << 32, 1 << 40, 1 << 63, 1<<64 - 1, uint64(len(data))}))
		case 3:
			binary.LittleEndian.PutUint32(data[at&^3:], oneOf(r, []uint32{0, 1, 1 << 16, 1 << 31, 1<<32 - 1, uint32(len(data))}))
		}
	}
	return data
}
