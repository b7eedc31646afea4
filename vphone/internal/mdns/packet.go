package mdns

import (
	"errors"
	"slices"

	"golang.org/x/net/dns/dnsmessage"
)

// maxPacket is the most that multicast DNS sends, RFC 6762 section 17.
const maxPacket = 9000

// A query is what was understood of somebody's packet.
type query struct {
	id        uint16
	questions []dnsmessage.Question
	known     []dnsmessage.Resource // what the asker has already
}

// parseQuery reads a packet. What cannot be understood after the questions,
// such as others' names with dots in a label, is passed over.
func parseQuery(packet []byte) (query, bool) {
	var p dnsmessage.Parser
	head, err := p.Start(packet)
	if err != nil || head.Response || head.OpCode != 0 {
		return query{}, false
	}
	q := query{id: head.ID}
	for {
		question, err := p.Question()
		if err == nil {
			q.questions = append(q.questions, question)
			continue
		}
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			break
		}
		if p.SkipQuestion() != nil {
			return q, len(q.questions) > 0
		}
	}
	for {
		r, err := p.Answer()
		switch {
		case err == nil:
			q.known = append(q.known, r)
		case p.SkipAnswer() != nil: // done, or nothing to be made of it
			return q, len(q.questions) > 0
		}
	}
}

// multicast is an answer, or an announcement, to everybody.
func (z zone) multicast(answers, extra records) ([]byte, error) {
	return pack(dnsmessage.Message{
		Answers:     z.resources(answers),
		Additionals: z.resources(extra &^ answers),
	})
}

// goodbye takes everything back.
func (z zone) goodbye() ([]byte, error) {
	all := z.resources(announced)
	for i := range all {
		all[i].Header.TTL = 0
	}
	return pack(dnsmessage.Message{Answers: all})
}

// legacy answers a resolver that is no multicast DNS responder itself: as an
// ordinary server would, RFC 6762 section 6.7.
func (z zone) legacy(q query, answers, extra records) ([]byte, error) {
	m := dnsmessage.Message{
		Questions:   slices.Clone(q.questions),
		Answers:     z.resources(answers),
		Additionals: z.resources(extra &^ answers),
	}
	m.ID = q.id
	for i := range m.Questions {
		m.Questions[i].Class &^= wantsUnicast
	}
	for _, list := range [][]dnsmessage.Resource{m.Answers, m.Additionals} {
		for i := range list {
			list[i].Header.Class &^= cacheFlush
			list[i].Header.TTL = min(list[i].Header.TTL, ttlLegacy)
		}
	}
	return pack(m)
}

func pack(m dnsmessage.Message) ([]byte, error) {
	m.Response, m.Authoritative = true, true
	return m.Pack()
}
