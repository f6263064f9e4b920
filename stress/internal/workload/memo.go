package workload

import "sync"

// memo keeps what was computed for a key, an error too. Several goroutines may use it; each
// value is computed once.
type memo[K comparable, V any] struct {
	mu   sync.Mutex // guards kept; nothing is computed while it is held
	kept map[K]func() (V, error)
}

func (m *memo[K, V]) get(key K, compute func() (V, error)) (V, error) {
	m.mu.Lock()
	once, ok := m.kept[key]
	if !ok {
		if m.kept == nil {
			m.kept = map[K]func() (V, error){}
		}
		once = sync.OnceValues(compute)
		m.kept[key] = once
	}
	m.mu.Unlock()
	return once()
}

// size is how many values were computed.
func (m *memo[K, V]) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.kept)
}
