package lint

import (
	"fmt"
	"slices"
	"strings"
)

// arrows is who may import whom. A package may import the standard library but for what
// it forbids, and beyond that what stands here and nothing else. Tests may import in
// addition what testsMay lists, and what the row of their package with [t] has.
type arrows struct {
	may    []string // packages of this module, and packages and modules of others
	forbid []string // of the standard library
}

const (
	asm      = "github.com/cilium/ebpf/asm"
	btf      = "github.com/cilium/ebpf/btf"
	ebpf     = "github.com/cilium/ebpf"
	link     = "github.com/cilium/ebpf/link"
	unix     = "golang.org/x/sys/unix"
	x86asm   = "golang.org/x/arch/x86/x86asm"
	hdr      = "github.com/HdrHistogram/hdrhistogram-go"
	cobra    = "github.com/spf13/cobra"
	pflag    = "github.com/spf13/pflag" // cobra's own flags
	wire     = "google.golang.org/protobuf/encoding/protowire"
	expfmt   = "github.com/prometheus/common/expfmt"
	prommod  = "github.com/prometheus/common/model"
	promdata = "github.com/prometheus/client_model/go"
	promlint = "github.com/prometheus/client_golang/prometheus/testutil/promlint"
	schema   = "github.com/santhosh-tekuri/jsonschema/v6"
	cdproto  = "github.com/chromedp/cdproto"
	chromedp = "github.com/chromedp/chromedp"
)

// pure forbids what a definition must not depend on: time, chance, and the system.
var pure = []string{"unsafe", "time", "math/rand", "math/rand/v2", "crypto/rand", "os", "syscall"}

var table = map[string]arrows{
	"jit/x86":                        {},
	"jit":                            {may: []string{"internal/source", "jit/x86", asm}},
	"jit/interp":                     {may: []string{"jit", asm}},
	"jit/exec":                       {may: []string{unix}},
	"jit/host":                       {may: []string{"jit", "jit/exec", asm}}, // what images call
	"patcher/protocol":               {forbid: pure},
	"patcher/protocol/witness":       {may: []string{"internal/source", "internal/table", "patcher/protocol"}, forbid: pure},
	"internal/chart":                 {forbid: pure},
	"internal/serve [t]":             {may: []string{"internal/browser", "patcher/protocol"}},
	"internal/browser":               {may: []string{chromedp, cdproto + "/cdp", cdproto + "/emulation", cdproto + "/log", cdproto + "/network", cdproto + "/runtime"}}, // tests alone
	"internal/serve":                 {may: []string{"internal/metrics", "internal/state", "stress/report", "stress/report/render"}},                                    // it shows what a soak keeps, and does nothing
	"internal/source":                {forbid: pure},
	"internal/table":                 {forbid: pure},
	"internal/schema":                {may: []string{schema}}, // tests alone
	"patcher/rcu":                    {may: []string{"jit/exec", "patcher/protocol"}},
	"patcher [t]":                    {may: []string{"jit", asm}}, // programs to load are compiled instructions
	"patcher/rcu [t]":                {may: []string{unix}},       // it asks the system what was set
	"patcher/text":                   {may: []string{"jit/exec", "patcher/protocol"}},
	"patcher":                        {may: []string{"jit/exec", "patcher/protocol", "patcher/rcu", "patcher/text"}}, // never jit: it takes any compiler's images
	"model":                          {may: []string{"patcher/protocol", "patcher/protocol/witness"}, forbid: pure},
	"model [t]":                      {may: []string{"model/promela"}}, // they hold the one against the other
	"model/promela":                  {may: []string{"patcher/protocol"}, forbid: pure},
	"stress/internal/rig":            {may: []string{"jit", "jit/exec", "jit/host", "patcher", "patcher/protocol", "patcher/rcu"}},
	"stress/internal/rig [t]":        {may: []string{"stress/internal/layouttest", asm}},
	"stress/internal/live":           {may: []string{"internal/source", "patcher/protocol", "stress/report"}}, // no engine's own
	"stress/internal/cpu":            {may: []string{"jit", "jit/exec", "jit/host", "patcher", "patcher/protocol", "patcher/rcu", "patcher/text", "stress/internal/live", "stress/internal/rig", "stress/report", unix}},
	"stress/internal/cpu [t]":        {may: []string{"stress/internal/workload"}}, // a program, and its oracle
	"stress/internal/sim":            {may: []string{"internal/source", "jit", "patcher/protocol", "patcher/protocol/witness", "stress/internal/sim/x86", x86asm}, forbid: pure},
	"stress/internal/sim/x86":        {may: []string{x86asm}, forbid: pure}, // it knows no state, slot or protocol
	"stress/internal/sim/x86 [t]":    {may: []string{"jit", "jit/exec", asm}},
	"stress/internal/sim [t]":        {may: []string{"jit/exec", "stress/internal/layouttest", asm}},
	"stress/internal/step":           {may: []string{"jit", "jit/exec", "patcher", "patcher/protocol", "patcher/protocol/witness", "patcher/rcu", "patcher/text", "stress/internal/rig", "stress/internal/sim", "stress/internal/sim/x86", "stress/report"}},
	"stress/internal/step [t]":       {may: []string{"stress/internal/layouttest", asm}},
	"stress/internal/native":         {may: []string{"jit", "jit/exec", "jit/host", "patcher", "patcher/protocol", "stress/internal/rig"}},
	"stress/internal/native [t]":     {may: []string{"jit/interp", "stress/internal/layouttest", asm}},
	"stress/internal/regress":        {may: []string{"jit", "jit/exec", "jit/host", "jit/interp", "stress/internal/child", "stress/internal/identity", "stress/internal/kernel", "stress/internal/native", "stress/internal/workload", "stress/report", ebpf, asm}},
	"stress/internal/affected":       {may: []string{"internal/vm/guest", "patcher/protocol", "stress/internal/kernel", "stress/internal/live", "stress/internal/regress", "stress/report", ebpf, asm, btf, link}},
	"stress/internal/workload":       {may: []string{"internal/source", "jit", "jit/exec", "jit/host", "jit/interp", "patcher/protocol", "stress/bpf", "stress/internal/live", ebpf, asm, btf, x86asm}},
	"stress/internal/child":          {},
	"stress/internal/layouttest":     {may: []string{"jit"}}, // tests alone
	"stress/bpf":                     {},
	"stress/internal/judge":          {may: []string{"internal/process", "internal/vm", "internal/vm/guest", "jit", "jit/exec", "jit/interp", "model", "model/promela", "patcher", "patcher/protocol", "patcher/protocol/witness", "patcher/text", "stress/internal/child", "stress/internal/cpu", "stress/internal/kernel", "stress/internal/live", "stress/internal/regress", "stress/internal/sim", "stress/internal/steered", "stress/internal/steered/inside", "stress/internal/step", "stress/internal/workload", "stress/report"}},
	"stress/internal/judge [t]":      {may: []string{"stress", "stress/internal/rig", ebpf, asm}},
	"stress/internal/replay":         {may: []string{"internal/bundle", "internal/vm", "jit", "patcher/protocol", "patcher/protocol/witness", "stress/internal/judge", "stress/internal/regress", "stress/internal/steered", "stress/internal/workload", "stress/report"}},
	"stress/internal/replay [t]":     {may: []string{"internal/schema", "jit/exec", "stress/internal/catalogue"}},
	"stress/internal/reference":      {},
	"stress/internal/reference [t]":  {may: []string{"jit", "model", "patcher/protocol", "stress/internal/sim", asm}}, // what it holds against each other
	"stress/internal/search":         {may: []string{"model", "patcher/protocol", "stress/report"}},
	"stress/internal/catalogue":      {may: []string{"jit", "jit/exec", "patcher/protocol", "patcher/rcu", "stress/bpf", "stress/internal/affected", "stress/internal/identity", "stress/internal/judge", "stress/internal/kernel", "stress/internal/live", "stress/internal/regress", "stress/internal/workload", "stress/report"}},
	"stress/internal/identity":       {may: []string{"jit", "patcher/protocol", "stress/report", ebpf, asm, btf, x86asm}},
	"stress/internal/identity [t]":   {may: []string{"jit/exec", "jit/host", "jit/interp", "patcher", "stress/internal/rig", unix}},
	"stress/internal/kernel":         {may: []string{"internal/source", "jit/exec", "patcher/protocol", "stress/internal/identity", "stress/internal/live", "stress/report", ebpf, asm, btf, unix, hdr, link}},
	"stress/internal/kernel [t]":     {may: []string{"model"}},
	"stress/report/render":           {may: []string{"internal/chart", "internal/table", "patcher/protocol", "patcher/protocol/witness", "stress/report"}}, // all words that people read
	"stress/report":                  {may: []string{"internal/source", "patcher/protocol", "patcher/protocol/witness"}, forbid: pure},                     // data alone; engines fill it
	"stress/report/perfetto":         {may: []string{"patcher/protocol", "patcher/protocol/witness", "stress/report"}},
	"stress/report/perfetto [t]":     {may: []string{wire}},
	"stress/report [t]":              {may: []string{"internal/schema"}},
	"stress/report/render [t]":       {may: []string{"internal/source", "internal/browser", "internal/schema", chromedp, chromedp + "/kb"}},
	"stress":                         {may: []string{"patcher/protocol", "stress/internal/catalogue", "stress/internal/judge", "stress/internal/regress", "stress/internal/replay", "stress/internal/search", "stress/internal/workload", "stress/report"}},
	"stress [t]":                     {may: []string{"jit/exec", "patcher/rcu"}},
	"stress/stresstest":              {may: []string{"patcher/protocol", "patcher/protocol/witness", "stress", "stress/report", "stress/report/render"}}, // a test prints what it finds
	"internal/vm":                    {may: []string{"internal/vm/gdb", "internal/vm/guest", "patcher/protocol", "stress/report", unix}},
	"internal/process":               {may: []string{"stress/report"}},
	"internal/state":                 {may: []string{"patcher/protocol", "stress/report"}},
	"internal/bundle":                {may: []string{"stress/report"}},
	"internal/bundle [t]":            {may: []string{"internal/schema"}},
	"internal/state [t]":             {may: []string{"internal/schema"}},
	"internal/soak":                  {may: []string{"internal/bundle", "internal/process", "internal/state", "patcher/protocol", "stress", "stress/report"}},
	"internal/vm/deb":                {}, // it knows kernels as files alone
	"internal/vm/matrix":             {may: []string{"stress/report"}},
	"internal/vm/matrix [t]":         {may: []string{"internal/schema"}},
	"internal/vm/guest":              {may: []string{"patcher/protocol", "stress/report", unix}}, // it is in every guest, and knows no verb
	"cmd/stress":                     {may: []string{"internal/bundle", "internal/serve", "internal/soak", "internal/state", "internal/vm", "internal/vm/deb", "internal/vm/guest", "internal/vm/matrix", "stress", "stress/report", "stress/report/perfetto", "stress/report/render", cobra, pflag, unix}},
	"cmd/stress [t]":                 {may: []string{"internal/schema", "patcher/protocol", expfmt, prommod, promdata}},
	"scripts/mutation":               {},                                           // a tool for developers
	"scripts/rewording":              {},                                           // likewise
	"scripts/abusing":                {},                                           // likewise
	"scripts/gathering":              {may: []string{"internal/table", ebpf, asm}}, // likewise
	"internal/lint":                  {may: []string{}},
	"internal/lint [t]":              {may: []string{"patcher/protocol", "stress"}},
	"jit/host [t]":                   {may: []string{asm}},
	"stress/internal/steered":        {may: []string{"internal/vm", "internal/vm/gdb", "model", "patcher/protocol", "patcher/protocol/witness", "stress/internal/steered/inside", "stress/report"}},
	"stress/internal/steered/inside": {may: []string{"internal/vm/guest", "stress/internal/identity", ebpf, asm, btf, unix}}, // what runs in the guest
	"internal/vm/gdb":                {},                                                                                     // it knows threads and addresses alone
	"internal/metrics":               {may: []string{"stress/report"}},
	"internal/metrics [t]":           {may: []string{"patcher/protocol", expfmt, promlint, prommod, promdata}},
	"internal/schema [t]":            {may: []string{"stress/report"}},
}

// testsMay is what the tests of every package may import beside their package.
var testsMay = []string{
	"pgregory.net/rapid", "go.uber.org/goleak", "github.com/google/go-cmp/cmp",
	"github.com/google/go-cmp/cmp/cmpopts", "github.com/anishathalye/porcupine",
	"github.com/rogpeppe/go-internal/testscript", x86asm,
}

// ruleImports holds every import against the table.
func ruleImports(t *tree) []string {
	var out []string
	for _, p := range t.packages {
		if _, ok := table[p]; !ok {
			out = append(out, p+": the table of imports does not know this package: decide what it may import")
		}
	}
	for _, f := range t.goFiles() {
		for _, imported := range f.imports() {
			if why := forbidden(f, imported); why != "" {
				out = append(out, fmt.Sprintf("%s: imports %s: %s", f.path, imported, why))
			}
		}
	}
	return out
}

// forbidden says why a file may not import a path; "" if it may.
func forbidden(f *file, imported string) string {
	own := table[f.pkg()]
	name, inside := strings.CutPrefix(imported, module+"/")
	switch {
	case slices.Contains(own.may, name):
		return ""
	case f.isTest() && (name == f.pkg() || slices.Contains(testsMay, name) || slices.Contains(table[f.pkg()+" [t]"].may, name)):
		return ""
	case inside && strings.HasPrefix(name, "cmd/"):
		return "nobody imports a command"
	case inside:
		return "no such arrow in the table of imports"
	case strings.Contains(strings.Split(imported, "/")[0], "."):
		return "not a dependency of this package"
	case slices.Contains(own.forbid, imported) && !f.isTest():
		return "this package depends on no time, no chance and no system"
	}
	return ""
}

// ruleRapid keeps rapid, which registers flags, out of the command.
func ruleRapid(t *tree) []string {
	var out []string
	for _, f := range t.goFiles() {
		if !f.isTest() && slices.ContainsFunc(f.imports(), func(p string) bool { return strings.HasPrefix(p, "pgregory.net/rapid") }) {
			out = append(out, f.path+": rapid registers flags and belongs in tests")
		}
	}
	return out
}
