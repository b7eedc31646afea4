package agent

func (s *session) restore(command map[string]any) error { return nil }
