package agent

// Faults is what a test wants to go wrong on a phone. The zero value is a
// healthy phone.
type Faults struct{}
