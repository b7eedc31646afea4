package notify_test

import (
	"cmp"
	"crypto/tls"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"russet"
	"russet/internal/notify"
	"russet/internal/secrets"
)

const mailPassword = `canary of a password: ü"\x`

// postOffice is a mail server with one user.
type postOffice struct {
	ch      notify.Channel
	secret  notify.Credentials
	maildir string
}

// startMail starts aiosmtpd. mode is starttls, tls or plain; certificate is the
// folder that holds the certificate it shows.
func startMail(t *testing.T, mode, certificate string) postOffice {
	t.Helper()
	python := program(t, "python")
	port, maildir := freePort(t), filepath.Join(t.TempDir(), "mail")
	cmd := exec.Command(python, "testdata/smtpd.py", port, maildir, mode, filepath.Join(certificate, "cert"), filepath.Join(certificate, "key"))
	cmd.Env = append(os.Environ(), "SMTPD_PASSWORD="+mailPassword)
	start(t, cmd, answers("127.0.0.1:"+port))
	p := postOffice{
		ch:      notify.Channel{Name: "mail", Type: notify.Email, URL: "smtp://anna@example.org@127.0.0.1:" + port, To: []string{"bert@example.org", "Carla <carla@example.org>"}},
		secret:  notify.Credentials{Token: mailPassword},
		maildir: maildir,
	}
	switch mode {
	case "tls":
		p.ch.URL = strings.Replace(p.ch.URL, "smtp:", "smtps:", 1)
	case "plain":
		p.ch.URL, p.ch.From, p.secret.Token = "smtp://127.0.0.1:"+port, "anna@example.org", ""
	}
	return p
}

// letters are the messages that arrived.
func (p postOffice) letters(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(p.maildir, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(data))
	}
	return all
}

func TestMail(t *testing.T) {
	for _, mode := range []string{"starttls", "tls", "plain"} {
		t.Run(mode, func(t *testing.T) {
			p := startMail(t, mode, trusted)
			m := notify.ForPasscode(subject(evilName), false)
			if err := notify.Send(t.Context(), p.ch, p.secret, m); err != nil {
				t.Fatal(err)
			}
			letters := p.letters(t)
			if len(letters) != 1 {
				t.Fatalf("%d letters arrived", len(letters))
			}
			letter, err := mail.ReadMessage(strings.NewReader(letters[0]))
			if err != nil {
				t.Fatal(err)
			}
			checkLetter(t, letter, m)
			if strings.Contains(letters[0], "canary") {
				t.Error("the password is in the letter")
			}
		})
	}
}

func checkLetter(t *testing.T, letter *mail.Message, m notify.Message) {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil || subject != m.Title {
		t.Errorf("the subject is %q, not %q: %v", subject, m.Title, err)
	}
	for name, want := range map[string]string{
		"From": `"russet" <anna@example.org>`, "To": `<bert@example.org>, "Carla" <carla@example.org>`, "Bcc": "",
		"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "Importance": "high", "Priority": "urgent", "X-Priority": "1 (Highest)",
		"User-Agent": "russet/" + russet.Version, "X-Mailer": "russet/" + russet.Version, "X-MailFrom": "anna@example.org", "X-RcptTo": "bert@example.org, carla@example.org",
	} {
		if got := letter.Header.Get(name); got != want {
			t.Errorf("%s: %s, not %s", name, got, want)
		}
	}
	if when, err := letter.Header.Date(); err != nil || !when.Equal(m.Time) {
		t.Errorf("Date: %v %v", when, err)
	}
	body := io.Reader(letter.Body)
	if letter.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if got := strings.ReplaceAll(string(text), "\r\n", "\n"); err != nil || !strings.HasPrefix(got, m.Body()+"\n\n-- \n") {
		t.Errorf("the body is %q: %v", got, err)
	}
}

// inbox is a mail server on this computer that wants nothing and takes one
// letter.
func inbox(t *testing.T) (ch notify.Channel, letters <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	all := make(chan string, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := textproto.NewConn(conn)
			_ = c.PrintfLine("220 mail.example.org")
			for line, err := c.ReadLine(); err == nil; line, err = c.ReadLine() {
				if line == "DATA" {
					_ = c.PrintfLine("354 go on")
					data, _ := c.ReadDotBytes()
					all <- string(data)
				}
				_ = c.PrintfLine("250 OK")
			}
		}
	}()
	return notify.Channel{Name: "mail", Type: notify.Email, URL: "smtp://" + l.Addr().String(), From: "anna@example.org", To: []string{"bert@example.org"}}, all
}

// The header of a letter is what RFC 5322, 2047 and 3834 ask for, whatever the
// phone is called, and does not name this computer.
func TestMailHeader(t *testing.T) {
	ch, letters := inbox(t)
	id := regexp.MustCompile(`^<[A-Za-z0-9]{20,}@example\.org>$`)
	for _, name := range []string{"Anna's iPhone", "Anna's iPhone 👩‍👧‍👦", "טלפון של דוד", "a=?b?=_c", strings.Repeat("漢字😀", 40), strings.Repeat("x", 80), "x = _ y? é"} {
		m := notify.ForPasscode(subject(name), true)
		if err := notify.Send(t.Context(), ch, notify.Credentials{}, m); err != nil {
			t.Fatal(err)
		}
		text := <-letters
		head, _, _ := strings.Cut(text, "\n\n")
		for line := range strings.SplitSeq(head, "\n") {
			if len(line) > 78 || strings.TrimSpace(line) == "Subject:" || strings.ContainsFunc(line, func(r rune) bool { return r > '~' }) {
				t.Errorf("%s: the line %q", name, line)
			}
		}
		letter, err := mail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		title, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
		if err != nil || title != m.Title {
			t.Errorf("the subject is %q, not %q: %v", title, m.Title, err)
		}
		if got := letter.Header.Get("Message-Id"); !id.MatchString(got) {
			t.Errorf("Message-ID: %s", got)
		}
		if _, ok := letter.Header["Date"]; !ok || len(letter.Header["From"]) != 1 || letter.Header.Get("Auto-Submitted") != "auto-generated" {
			t.Errorf("the header is %v", letter.Header)
		}
	}
}

// A server whose ways to log in russet does not know, and one that cannot do TLS
// just now, are there all the same.
func TestMailLogin(t *testing.T) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(trusted, "cert"), filepath.Join(trusted, "key"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		scheme, offers, answer string
		kind                   russet.Kind
		says                   string
	}{
		"another login": {"smtps", "AUTH DIGEST-MD5 GSSAPI", "", russet.Unsupported, "no way to log in that russet knows"},
		"no TLS now":    {"smtp", "STARTTLS", "454 TLS currently unavailable", russet.NotConnected, "does not let us in, and says: 454 TLS currently unavailable"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if c.scheme == "smtps" {
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}})
			}
			defer conn.Close()
			s := textproto.NewConn(conn)
			_ = s.PrintfLine("220 mail.example.org")
			for line, err := s.ReadLine(); err == nil; line, err = s.ReadLine() {
				if strings.HasPrefix(line, "EHLO") {
					_ = s.PrintfLine("250-mail.example.org\r\n250 %s", c.offers)
				} else {
					_ = s.PrintfLine("%s", cmp.Or(c.answer, "502 no"))
				}
			}
		}()
		ch := notify.Channel{Name: "mail", Type: notify.Email, URL: c.scheme + "://anna@" + l.Addr().String(), To: []string{"bert@example.org"}}
		err = notify.Send(within(t, 20*time.Second), ch, notify.Credentials{Token: secrets.Secret(mailPassword)}, notify.ForTest(time.Now(), "mail"))
		e, ok := err.(*russet.Error)
		if !ok || e.Kind != c.kind || !strings.Contains(e.What, c.says) || e.Hint == "" {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

// What mail servers refuse becomes a kind of error, a next step, and no secret.
func TestMailRefusals(t *testing.T) {
	strange := t.TempDir()
	if err := writeCertificate(strange); err != nil {
		t.Fatal(err)
	}
	starttls, secure, plain := startMail(t, "starttls", trusted), startMail(t, "tls", trusted), startMail(t, "plain", trusted)
	for name, c := range map[string]struct {
		office     postOffice
		change     func(*postOffice)
		kind       russet.Kind
		says, hint string
	}{
		"password":        {starttls, func(p *postOffice) { p.secret.Token = "canary that is wrong" }, russet.Password, "the mail server refused the password: 535 5.7.8", "app password"},
		"password, TLS":   {secure, func(p *postOffice) { p.secret.Token = "canary that is wrong" }, russet.Password, "refused the password: 535", "app password"},
		"no encryption":   {plain, func(p *postOffice) { *p = with(*p, "smtp://anna@", starttls.secret) }, russet.Unsupported, "offers no encryption", "465"},
		"no login":        {secure, func(p *postOffice) { *p = with(*p, "smtps://", notify.Credentials{}) }, russet.Usage, "530 5.7.0 Authentication required", "a user and a password"},
		"TLS on STARTTLS": {starttls, func(p *postOffice) { *p = with(*p, "smtps://anna@", p.secret) }, russet.Usage, "does not speak TLS on that port", "smtp://"},
		"relay":           {plain, func(p *postOffice) { p.ch.To = []string{"nobody@example.org"} }, russet.Usage, "says: 550 5.1.1", "smtp://user@"},
		"recipient":       {starttls, func(p *postOffice) { p.ch.To = []string{"nobody@example.org"} }, russet.Usage, "says: 550 5.1.1 Recipient address rejected: User unknown", "--to"},
		"greylisted":      {starttls, func(p *postOffice) { p.ch.To = []string{"later@example.org"} }, russet.NotConnected, "says: 451 4.7.1 Greylisted, try again later", "later"},
		"sender":          {starttls, func(p *postOffice) { p.ch.From = "stranger@example.org" }, russet.Usage, "says: 553 5.7.1 Sender", "--from"},
		"nobody there":    {starttls, func(p *postOffice) { p.ch.URL = "smtp://anna@127.0.0.1:1" }, russet.NotConnected, "cannot be reached", "127.0.0.1:1"},
		"certificate":     {startMail(t, "starttls", strange), func(*postOffice) {}, russet.Unsupported, "certificate is not trusted", "authority"},
		"certificate, TLS": {
			startMail(t, "tls", strange), func(*postOffice) {}, russet.Unsupported, "certificate is not trusted", "authority",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.office
			c.change(&p)
			err := notify.Send(within(t, 20*time.Second), p.ch, p.secret, notify.ForTest(time.Now(), "mail"))
			e, ok := err.(*russet.Error)
			if !ok || e.Kind != c.kind || !strings.Contains(e.What, c.says) || !strings.Contains(e.Hint, c.hint) || e.Hint == "" {
				t.Fatalf("%#v", err)
			}
			noCanary(t, e)
			if n := len(p.letters(t)); n != 0 {
				t.Errorf("%d letters arrived all the same", n)
			}
		})
	}
}

// with is an office under another address and with another password.
func with(p postOffice, before string, c notify.Credentials) postOffice {
	_, host, _ := strings.Cut(p.ch.URL, "127.")
	p.ch.URL, p.secret, p.ch.From = before+"127."+host, c, "anna@example.org"
	return p
}

// A server that talks without end, or not at all, is given up.
func TestHostileMail(t *testing.T) {
	for name, c := range map[string]struct {
		talk func(net.Conn)
		kind russet.Kind
	}{
		"endless greeting": {func(c net.Conn) {
			for {
				if _, err := c.Write([]byte(strings.Repeat("220-"+mailPassword, 1000))); err != nil {
					return
				}
			}
		}, russet.NotConnected},
		"silence": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, russet.NotConnected},
		"echo": {func(c net.Conn) {
			_, _ = c.Write([]byte("554 5.0.0 " + mailPassword + "\r\n"))
			_, _ = io.Copy(io.Discard, c)
		}, russet.NotConnected},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				if conn, err := l.Accept(); err == nil {
					c.talk(conn)
					_ = conn.Close()
				}
			}()
			ch := notify.Channel{Name: "mail", Type: notify.Email, URL: "smtp://anna@" + l.Addr().String(), To: []string{"bert@example.org"}}
			begun := time.Now()
			err = notify.Send(within(t, 2*time.Second), ch, notify.Credentials{Token: secrets.Secret(mailPassword)}, notify.ForTest(time.Now(), "mail"))
			e, ok := err.(*russet.Error)
			if !ok || e.Kind != c.kind || time.Since(begun) > 10*time.Second {
				t.Fatalf("after %v: %#v", time.Since(begun), err)
			}
			noCanary(t, e)
		})
	}
}
