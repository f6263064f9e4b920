package render

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"

	"tailpoke/internal/table"
	"tailpoke/stress/report"
)

// verdicts adds a row for each engine, the counterexamples, and what live engines counted.
func (p *htmlPage) verdicts(d *report.Document) {
	for i := range d.Verdicts {
		v := &d.Verdicts[i]
		row := htmlRow{Name: string(v.Engine), Word: string(v.Verdict), Lines: claims(v)}
		if v.Witness != nil {
			row.To = witnessID(string(v.Engine))
		} else if v.CPUCounts != nil {
			row.To = string(v.Engine)
		}
		p.Rows = append(p.Rows, row)
	}
	for _, v := range slices.Backward(d.Verdicts) { // first the machine's, which is nearer to what runs
		if v.Witness != nil {
			p.witness(string(v.Engine), v.Witness)
		}
	}
	p.align()
}

// claims say in a few lines what an engine's verdict rests on.
func claims(v *report.Verdict) []string {
	if v.CPUCounts == nil {
		return figures(v)
	}
	var out []string
	if v.Reason != "" {
		out = append(out, v.Reason)
	}
	out = append(out, liveClaims(v)...)
	return append(out, fmt.Sprintf("%s, %s with an operation, %s; %.1f s", counted(v.Executions, "execution"),
		counted(v.Overlaps, "overlap"), counted(v.Cycles, "cycle"), v.Seconds))
}

// live adds what an engine counted that executes machine code.
func (p *htmlPage) live(v *report.Verdict) {
	name := string(v.Engine)
	part := htmlPart{ID: name, Title: name + " engine: what it counted"}
	if t := outcomeTable(v.Outcomes); t != nil {
		part.Parts = append(part.Parts, htmlPart{Title: "Outcomes", Table: outcomesHTML(t, v)})
	}
	part.Parts = append(part.Parts, htmlPart{Title: "Operations", Table: tableHTML(operationTable(v))})
	if k := v.Kernel; k != nil {
		part.Notes = append([]string{checkedFigure(v)}, kernelRest(v)...)
		part.Notes = append(part.Notes, unseenPhases(k)...)
		if k.Watch != nil {
			part.Parts = append(part.Parts, htmlPart{
				Title: "Reads of a site's slots, by the operation in progress",
				Table: tableHTML(tableOf(slotColumns(k.Watch.Slots), k.Watch.Seen)),
			})
		}
	} else {
		part.Notes = cpuRest(v)
	}
	part.Parts = append(part.Parts, durations(v.Durations)...)
	p.Parts = append(p.Parts, part)
}

// outcomesHTML is the table of outcomes with the share of each. A forbidden one that was seen stands out.
func outcomesHTML(t *table.Table, v *report.Verdict) *htmlTable {
	out := tableHTML(t)
	all := outcomeRows(v.Outcomes)
	var sum uint64
	for _, r := range all {
		sum += r.count
	}
	out.Head = append(slices.Clone(out.Head), "share")
	for i := range out.Rows {
		out.Rows[i] = append(out.Rows[i], htmlCell{Text: share(all[i].count, sum)})
		if out.Rows[i][1].Text == "forbidden" && all[i].count > 0 {
			out.Rows[i][1].Text = "violated: forbidden"
		}
	}
	out.Number = nil
	return out.measure()
}

// operationTable is a row for each kind of operation: how often, beside how many executions, how long.
func operationTable(v *report.Verdict) *table.Table {
	calls := map[string]uint64{"install": v.Installs, "update": v.Updates, "remove": v.Removes}
	by := map[string]uint64{"install": v.OverlapsBy.Install, "update": v.OverlapsBy.Update, "remove": v.OverlapsBy.Remove}
	columns := []column[string]{
		{"operation", func(op string) string { return op }},
		{"calls", func(op string) string { return grouped(calls[op]) }},
		{"executions beside one", func(op string) string { return grouped(by[op]) }},
	}
	if k := v.Kernel; k != nil {
		columns = append(columns,
			column[string]{"median", func(op string) string { return latency(k, op, k.Latencies[op].Median) }},
			column[string]{"99 % in", func(op string) string { return latency(k, op, k.Latencies[op].P99) }},
			column[string]{"longest", func(op string) string { return latency(k, op, k.Latencies[op].Max) }},
			column[string]{"beside executions", func(op string) string {
				return share(k.Overlapped[op], uint64(k.Latencies[op].Count))
			}})
	}
	return tableOf(columns, operations)
}

// latency is a time of an operation, if one was measured.
func latency(k *report.KernelCounts, op string, us float64) string {
	if k.Latencies[op].Count == 0 {
		return "-"
	}
	return micros(us)
}

// mutants adds the counterexample of each mutant that has one, below the table, which leads there.
func (p *htmlPage) mutants(m *report.Mutants) {
	t := p.Parts[slices.IndexFunc(p.Parts, func(one htmlPart) bool { return one.Table != nil })].Table
	for i := range m.Mutants {
		one := &m.Mutants[i]
		if one.Witness == nil {
			continue
		}
		id := witnessID(one.Name)
		t.Rows[i][0].To = "#" + id
		p.Parts = append(p.Parts, htmlPart{
			ID: id, Title: fmt.Sprintf("%s: %s, %s", one.Name, one.Witness.Property, counted(len(one.Witness.Steps), "step")),
			Notes: []string{one.Why}, Folded: true, Witness: witnessHTML(one.Witness),
		})
	}
}

// findings adds what engines on real CPUs and guests saw.
func (p *htmlPage) findings(d *report.Document) {
	var all []*report.Finding
	for i := range d.Verdicts {
		for n := range d.Verdicts[i].Findings {
			all = append(all, &d.Verdicts[i].Findings[n])
		}
	}
	for i := range d.Findings {
		all = append(all, &d.Findings[i])
	}
	if len(all) == 0 {
		return
	}
	columns := slices.Clone(htmlFindingColumns)
	if !slices.ContainsFunc(all, func(f *report.Finding) bool { return f.Kind != "" }) { // of no soak
		columns = slices.DeleteFunc(columns, func(c column[*report.Finding]) bool { return c.head == "first" || c.head == "last" })
	}
	t := tableHTML(tableOf(columns, all))
	if len(all) > 1 { // of one there is nothing to hide
		t.Filter = "findings"
	}
	for i, f := range all {
		what := &t.Rows[i][1]
		what.More = slices.Clone(f.Log)
		if f.Again != "" {
			what.More = append(what.More, f.Again)
		}
		if f.Bundle != "" && p.Live {
			t.Rows[i][0].To = "bundles/" + url.PathEscape(f.Bundle)
		} else if f.Bundle != "" {
			what.More = append(what.More, "bundle "+f.Bundle)
		}
	}
	p.Jumps = append(p.Jumps, htmlJump{"findings", counted(len(all), "finding")})
	p.Parts = append(p.Parts, htmlPart{ID: "findings", Title: "Findings", Table: t})
}

// htmlFindingColumns are the table of findings.
var htmlFindingColumns = []column[*report.Finding]{
	{"finding", func(f *report.Finding) string { return cmp.Or(string(f.Property), string(f.Kind)) }},
	{"what", func(f *report.Finding) string { return f.Place.Source.Behind(f.Text) }},
	{"where", placeText},
	{"seen", timesText},
	{"first", func(f *report.Finding) string { return f.First }},
	{"last", func(f *report.Finding) string { return f.Last }},
	{"class", func(f *report.Finding) string { return f.Class }},
	{"engine", func(f *report.Finding) string { return cmp.Or(string(f.Engine), "-") }},
}
