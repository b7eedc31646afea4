package notify

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"

	mail "github.com/wneessen/go-mail"

	"russet"
)

// maxMailAnswers bounds all that a mail server says in one conversation, in
// bytes.
const maxMailAnswers = 256 << 10

// mail sends an e-mail. Whoever has a password sends it only over TLS, and so
// does whoever sends through the open net; only a server in the same network
// may take messages without.
func (t talk) mail(ctx context.Context, m Message) error {
	a, err := parseMail(t.ch.URL)
	if err != nil {
		return err
	}
	msg, err := t.letter(a, m)
	if err != nil {
		return err
	}
	policy := mail.TLSMandatory
	if a.tls || t.secret.Token == "" && near(a.host) {
		policy = mail.TLSOpportunistic // under TLS already, or nothing to lose
	}
	config := &tls.Config{ServerName: a.host, MinVersion: tls.VersionTLS12}
	opts := []mail.Option{
		mail.WithPort(a.port), mail.WithTimeout(sendLimit), mail.WithTLSPolicy(policy), mail.WithTLSConfig(config),
		// The context go-mail hands on ends when the connection stands; ctx is
		// that of the whole conversation.
		mail.WithDialContextFunc(func(_ context.Context, network, address string) (net.Conn, error) {
			return dialMail(ctx, network, address, a.tls, config)
		}),
	}
	if t.secret.Token != "" {
		opts = append(opts, mail.WithUsername(a.user), mail.WithPassword(string(t.secret.Token)), mail.WithOpportunisticSMTPAuth(
			mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthPlain, mail.SMTPAuthLogin, mail.SMTPAuthCramMD5))
	}
	c, err := mail.NewClient(a.host, opts...)
	if err != nil {
		return bad("see the address: "+t.where(), "the mail server cannot be used: %v", err)
	}
	if err := c.DialWithContext(ctx); err != nil {
		return t.mailDoor(err, policy == mail.TLSMandatory)
	}
	err = c.Send(msg)
	_ = c.Close()
	if msg.IsDelivered() {
		return nil // what goes wrong after the server took it is no failure
	}
	return t.mailSent(err)
}

// letter writes the e-mail.
func (t talk) letter(a mailAddress, m Message) (*mail.Msg, error) {
	from := a.from(t.ch)
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.FromFormat("russet", from); err != nil {
		return nil, bad("write it as anna@example.org, with --from", "%q is no address of e-mail", from)
	}
	if err := msg.To(t.ch.To...); err != nil {
		return nil, bad("write it as anna@example.org, with --to", "one of %q is no address of e-mail", t.ch.To)
	}
	msg.SetGenHeaderPreformatted(mail.HeaderSubject, encodeSubject(m.Title))
	msg.SetDateWithValue(m.Time)
	// go-mail's own IDs may begin with a dot, which RFC 5322 forbids, and name
	// this computer.
	msg.SetMessageIDWithValue(rand.Text() + from[strings.LastIndexByte(from, '@'):])
	msg.SetUserAgent("russet/" + russet.Version)
	// No machine answers "I am on holiday" to this: RFC 3834, and what Exchange
	// knows instead.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	if m.Urgent { // go-mail would write "Priority: 1", and RFC 2156 has words there
		msg.SetGenHeader(mail.HeaderImportance, mail.ImportanceHigh.String())
		msg.SetGenHeader(mail.HeaderPriority, "urgent")
		msg.SetGenHeader(mail.HeaderXPriority, "1 (Highest)")
	}
	msg.SetBodyString(mail.TypeTextPlain, m.Body()+"\n\n-- \nrusset, which backs up your phones\n")
	return msg, nil
}

// maxLine and maxEncodedWord bound a line of a header (RFC 5322), and an encoded
// word in it (RFC 2047), in bytes.
const (
	maxLine        = 78
	maxEncodedWord = 75
)

// encodeSubject writes a subject as it stands in a letter: as it is where it is
// short and ASCII, else in encoded words, each on a line of its own. The first
// stands beside the name of the header: a line that has nothing else is
// obsolete, and some readers take the space after it for the subject's.
func encodeSubject(title string) string {
	const name, before, after = len("Subject: "), "=?UTF-8?q?", "?="
	plain := !strings.ContainsFunc(title, func(r rune) bool { return r < ' ' || r > '~' }) && !strings.Contains(title, "=?")
	if plain && name+len(title) <= maxLine {
		return title
	}
	room := maxLine - name - len(before) - len(after)
	var out, word strings.Builder
	for _, r := range title { // no rune is split
		coded := qEncode(r)
		if word.Len()+len(coded) > room {
			out.WriteString(before + word.String() + after + "\r\n ")
			word.Reset()
			room = maxEncodedWord - len(before) - len(after)
		}
		word.WriteString(coded)
	}
	return out.String() + before + word.String() + after
}

// qEncode is a rune in the Q encoding of RFC 2047.
func qEncode(r rune) string {
	switch {
	case r == ' ':
		return "_"
	case r > ' ' && r <= '~' && !strings.ContainsRune("=?_", r):
		return string(r)
	}
	var b strings.Builder
	for _, c := range []byte(string(r)) {
		fmt.Fprintf(&b, "=%02X", c)
	}
	return b.String()
}

// dialMail connects. The connection is closed when ctx ends, and a server that
// talks without end is not listened to.
func dialMail(ctx context.Context, network, address string, secure bool, config *tls.Config) (net.Conn, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = raw.Close() })
	conn := &mailConn{Conn: raw, left: maxMailAnswers}
	if !secure {
		return conn, nil
	}
	over := tls.Client(conn, config)
	if err := over.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return over, nil
}

// mailConn is a connection that reads so much and no more.
type mailConn struct {
	net.Conn
	left int64
}

func (c *mailConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

// mailDoor explains why the server did not let us in.
func (t talk) mailDoor(err error, needsTLS bool) error {
	text := err.Error()
	reply, replied := errors.AsType[*textproto.Error](err)
	switch {
	case strings.Contains(text, "SMTP AUTH failed") && replied && reply.Code/100 == 5, strings.Contains(text, "535"):
		return &trouble{
			kind: russet.Password, what: "the mail server refused the password" + t.replySays(reply), err: err,
			hint: fmt.Sprintf("many providers want a password made for this program (\"app password\"): make one, then: russet notify remove %s, and add it again", t.ch.Name),
		}
	case needsTLS && strings.Contains(text, "does not support STARTTLS"):
		return &trouble{
			kind: russet.Unsupported, what: "the mail server offers no encryption on that port, and the password would be readable on the way", err: err,
			hint: "use the port for sending with STARTTLS (smtp://…:587) or the one with TLS (smtps://…:465)",
		}
	case strings.Contains(text, "SMTP AUTH"), errors.Is(err, mail.ErrNoSupportedAuthDiscovered):
		return &trouble{
			kind: russet.Unsupported, what: "the mail server offers no way to log in that russet knows: " + text, err: err,
			hint: "use the server and port that your provider names for sending e-mail from programs; a server that wants no password is added without user@",
		}
	}
	if record, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return &trouble{
			kind: russet.Usage, what: "the mail server does not speak TLS on that port: " + record.Msg, err: err,
			hint: "smtps:// is for port 465; for port 587 or 25 write smtp://",
		}
	}
	if replied {
		return &trouble{
			kind: russet.NotConnected, what: "the mail server does not let us in, and says" + t.replySays(reply), err: err,
			hint: "the server has trouble of its own: try again later, or see its log",
		}
	}
	return t.unreachable(err)
}

// mailSent explains why the server did not take the message.
func (t talk) mailSent(err error) error {
	if err == nil {
		return nil
	}
	tr := &trouble{kind: russet.NotConnected, what: "the mail server did not take the message: " + err.Error(), err: err, hint: "try again later"}
	se, ok := errors.AsType[*mail.SendError](err)
	if !ok || se.ErrorCode() == 0 {
		return tr
	}
	// The message of go-mail ends with recipients and IDs.
	says, _, _ := strings.Cut(se.Error(), ", affected ")
	says = strings.TrimPrefix(says, se.Reason.String()+": ")
	if code, quoted, ok := strings.Cut(says, " "); ok {
		if text, err := strconv.Unquote(quoted); err == nil {
			says = code + " " + text
		}
	}
	tr.what = "the mail server did not take the message, and says: " + t.quote(says, true)
	if se.IsTemp() {
		return tr
	}
	tr.kind, tr.hint = russet.Usage, "see what the server says, and whether the recipients (--to) are right"
	switch {
	case se.ErrorCode() == 530: // RFC 4954: authentication required
		tr.hint = "it wants a user and a password: remove the channel and add it with the user in the address, smtp://user@…"
	case se.Reason == mail.ErrSMTPRcptTo && t.secret.Token == "":
		tr.hint += "; if the server sends on only for its users, remove the channel and add it with the user in the address, smtp://user@…"
	case se.Reason == mail.ErrSMTPMailFrom:
		tr.hint = "name the sender it lets you use with --from"
	}
	return tr
}

func (t talk) replySays(reply *textproto.Error) string {
	if reply == nil {
		return ""
	}
	return fmt.Sprintf(": %d %s", reply.Code, t.quote(reply.Msg, true))
}
