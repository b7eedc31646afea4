package mdns

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// maxPacket is the largest message multicast DNS allows (RFC 6762, 17).
	maxPacket = 9000
	// maxRecords bounds what is read of one packet.
	maxRecords = 256
	// maxText bounds the TXT strings of one advert. A phone has one for each
	// computer it trusts, and a few more.
	maxText = 64
	// maxTTL is what devices give to names; nothing is believed for longer.
	maxTTL = 75 * time.Minute
	// maxQuery keeps a question within one frame of the smallest IPv6 network.
	maxQuery = 1200
	// topBit of a class says "this replaces what you knew" in an answer.
	topBit = 1 << 15
)

// A packet is what matters of a message.
type packet struct {
	id      uint16
	answer  bool // as opposed to a question
	records []record
}

// A record is one of the kinds PTR, SRV, TXT, A and AAAA.
type record struct {
	name    string // "label.label."; letters as they were sent
	kind    dnsmessage.Type
	ttl     time.Duration // 0 takes the record back
	flush   bool          // older ones of this name and kind are no longer true
	target  string        // PTR, SRV
	port    uint16        // SRV
	text    []string      // TXT
	address netip.Addr    // A, AAAA
}

// parse reads a message. A record that makes no sense is left out, since
// others of the packet are none of its business: the same phone announces
// services with names that the parser refuses. A message that ends early gives
// an error and what came before.
func parse(msg []byte) (packet, error) {
	var p dnsmessage.Parser
	h, err := p.Start(msg)
	if err != nil {
		return packet{}, err
	}
	out := packet{id: h.ID, answer: h.Response}
	if !h.Response || h.OpCode != 0 || h.RCode != dnsmessage.RCodeSuccess || h.Truncated {
		return out, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return out, err
	}
	if err := out.section(&p, p.AnswerHeader, p.SkipAnswer); err != nil {
		return out, err
	}
	if err := p.SkipAllAuthorities(); err != nil {
		return out, err
	}
	return out, out.section(&p, p.AdditionalHeader, p.SkipAdditional)
}

// section reads the records of one section.
func (out *packet) section(p *dnsmessage.Parser, header func() (dnsmessage.ResourceHeader, error), skip func() error) error {
	for range maxRecords {
		h, err := header()
		if err == dnsmessage.ErrSectionDone {
			return nil
		}
		if err == nil && h.Class&^topBit == dnsmessage.ClassINET {
			if r, ok := body(p, h); ok {
				out.records = append(out.records, r)
				continue
			}
		}
		if err := skip(); err != nil {
			return err
		}
	}
	return fmt.Errorf("more than %d records", maxRecords)
}

// body reads one record; one that was not read must be skipped.
func body(p *dnsmessage.Parser, h dnsmessage.ResourceHeader) (record, bool) {
	r := record{
		name: h.Name.String(), kind: h.Type, flush: h.Class&topBit != 0,
		ttl: min(time.Duration(h.TTL)*time.Second, maxTTL),
	}
	var err error
	switch h.Type {
	case dnsmessage.TypePTR:
		var b dnsmessage.PTRResource
		b, err = p.PTRResource()
		r.target = b.PTR.String()
	case dnsmessage.TypeSRV:
		var b dnsmessage.SRVResource
		b, err = p.SRVResource()
		r.target, r.port = b.Target.String(), b.Port
	case dnsmessage.TypeTXT:
		var b dnsmessage.TXTResource
		b, err = p.TXTResource()
		r.text = texts(b.TXT)
	case dnsmessage.TypeA:
		var b dnsmessage.AResource
		b, err = p.AResource()
		r.address = netip.AddrFrom4(b.A)
	case dnsmessage.TypeAAAA:
		var b dnsmessage.AAAAResource
		b, err = p.AAAAResource()
		r.address = netip.AddrFrom16(b.AAAA).Unmap()
	default:
		return record{}, false
	}
	return r, err == nil
}

// texts leaves out the empty string that stands for no text.
func texts(all []string) []string {
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	return all[:min(len(all), maxText)]
}

// usable says whether a device can have this address. A loopback address would
// be ourselves.
func usable(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsLoopback() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// equal compares names, in which upper and lower case are the same.
func equal(a, b string) bool { return lower(a) == lower(b) }

// lower makes names comparable. Only the letters of ASCII have two sizes here
// (RFC 6762, 16).
func lower(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return r >= 'A' && r <= 'Z' }) < 0 {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// A question asks for records of one kind.
type question struct {
	name string
	kind dnsmessage.Type
}

// A known answer is one nobody needs to give again.
type known struct {
	instance string
	ttl      time.Duration // what is left of it
}

// query makes the message that asks. What does not fit is left out and asked
// for another time; the answers are for service.
func query(id uint16, questions []question, service string, answers []known) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id})
	b.EnableCompression()
	size := 12
	fits := func(n int) bool { size += n; return size <= maxQuery }
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	for _, q := range questions {
		name, err := dnsmessage.NewName(q.name)
		if err != nil || !fits(len(q.name)+6) {
			continue
		}
		if err := b.Question(dnsmessage.Question{Name: name, Type: q.kind, Class: dnsmessage.ClassINET}); err != nil {
			return nil, fmt.Errorf("ask for %q: %w", q.name, err)
		}
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	for _, k := range answers {
		owner, err := dnsmessage.NewName(service)
		if err != nil {
			return nil, err
		}
		target, err := dnsmessage.NewName(k.instance)
		if err != nil || !fits(len(k.instance)+len(service)+12) {
			continue
		}
		h := dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: uint32(k.ttl / time.Second)}
		if err := b.PTRResource(h, dnsmessage.PTRResource{PTR: target}); err != nil {
			return nil, fmt.Errorf("known answer %q: %w", k.instance, err)
		}
	}
	return b.Finish()
}
