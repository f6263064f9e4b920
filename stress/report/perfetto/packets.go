package perfetto

import "encoding/binary"

// The numbers of the fields that are written, by message.
const (
	packetOfTrace = 1

	timestampOfPacket  = 8
	sequenceOfPacket   = 10
	eventOfPacket      = 11
	descriptorOfPacket = 60

	uuidOfTrack     = 1
	nameOfTrack     = 2
	processOfTrack  = 3
	threadOfTrack   = 4
	parentOfTrack   = 5
	orderingOfTrack = 11
	rankOfTrack     = 12

	pidOfProcess  = 1
	nameOfProcess = 6

	pidOfThread  = 1
	tidOfThread  = 2
	nameOfThread = 5

	noteOfEvent     = 4
	typeOfEvent     = 9
	trackOfEvent    = 11
	categoryOfEvent = 22
	nameOfEvent     = 23

	textOfNote = 6
	nameOfNote = 10
)

// The types of events.
const (
	sliceBegin = 1
	sliceEnd   = 2
	instant    = 3
)

// explicit has lanes stand in the order of their ranks.
const explicit = 3

// sequence is the one writer of packets.
const sequence = 1

// Wire types of protocol buffers: how a field's content is written.
const (
	asVarint = 0
	asBytes  = 2
)

// message is a protocol buffer in the making.
type message []byte

func (m *message) number(field int, n uint64) {
	*m = binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field)<<3|asVarint), n)
}

func (m *message) bytes(field int, b []byte) {
	*m = binary.AppendUvarint(binary.AppendUvarint(*m, uint64(field)<<3|asBytes), uint64(len(b)))
	*m = append(*m, b...)
}

func (m *message) text(field int, s string) { m.bytes(field, []byte(s)) }

// A note is a name and a text beside an event.
type note struct{ name, text string }

// lane is a track.
type lane struct {
	w    *writer
	uuid uint64
}

// process is a track that has lanes.
type process struct {
	lane
	pid, lanes uint64
}

// writer writes a trace. Times are nanoseconds.
type writer struct {
	out       message
	processes uint64
	tracks    uint64
}

func (w *writer) packet(field int, content message, at int64) {
	var p message
	if field == eventOfPacket {
		p.number(timestampOfPacket, uint64(at))
	}
	p.number(sequenceOfPacket, sequence)
	p.bytes(field, content)
	w.out.bytes(packetOfTrace, p)
}

func (w *writer) track() (lane, message) {
	w.tracks++
	var t message
	t.number(uuidOfTrack, w.tracks)
	return lane{w, w.tracks}, t
}

// process begins a process. Its number is its place: it is not the system's.
func (w *writer) process(name string) *process {
	w.processes++
	l, t := w.track()
	var p message
	p.number(pidOfProcess, w.processes)
	p.text(nameOfProcess, name)
	t.bytes(processOfTrack, p)
	t.number(orderingOfTrack, explicit)
	w.packet(descriptorOfPacket, t, 0)
	return &process{lane: l, pid: w.processes}
}

// lane begins a lane of a process, below those that it has: of a thread, or of something else.
func (p *process) newLane(name string, thread bool) lane {
	p.lanes++
	l, t := p.w.track()
	if thread {
		var th message
		th.number(pidOfThread, p.pid)
		th.number(tidOfThread, 1000*p.pid+p.lanes) // every thread of a trace has another number
		th.text(nameOfThread, name)
		t.bytes(threadOfTrack, th)
	} else {
		t.text(nameOfTrack, name)
		t.number(parentOfTrack, p.uuid)
	}
	t.number(rankOfTrack, p.lanes)
	p.w.packet(descriptorOfPacket, t, 0)
	return l
}

func (l lane) event(kind uint64, at int64, category, name string, notes []note) {
	var e message
	e.number(typeOfEvent, kind)
	e.number(trackOfEvent, l.uuid)
	if category != "" {
		e.text(categoryOfEvent, category)
	}
	if name != "" {
		e.text(nameOfEvent, name)
	}
	for _, n := range notes {
		var m message
		m.text(nameOfNote, n.name)
		m.text(textOfNote, n.text)
		e.bytes(noteOfEvent, m)
	}
	l.w.packet(eventOfPacket, e, at)
}

func (l lane) begin(at int64, category, name string, notes ...note) {
	l.event(sliceBegin, at, category, name, notes)
}

func (l lane) end(at int64) { l.event(sliceEnd, at, "", "", nil) }

func (l lane) slice(from, to int64, category, name string, notes ...note) {
	l.begin(from, category, name, notes...)
	l.end(to)
}

func (l lane) instant(at int64, category, name string, notes ...note) {
	l.event(instant, at, category, name, notes)
}
