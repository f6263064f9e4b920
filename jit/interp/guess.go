package interp

// A guess is the answer to take where others decide: they may have written what is asked for.
type guess uint8

const (
	guessNone guess = iota
	guessNo
	guessYes
)

// guessed is the guess, which answers one question. Without one the step must end in forks, and
// must not have changed anything.
func (m *machine) guessed() (yes, ok bool) {
	g := m.guess
	m.guess = guessNone
	return g == guessYes, g != guessNone
}
