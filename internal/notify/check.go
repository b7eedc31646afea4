package notify

import (
	"encoding/base64"
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"russet"
	"russet/internal/secrets"
)

// Bounds of what a person may set up.
const (
	maxTo       = 16
	maxAddress  = 2000 // bytes of an address
	maxToken    = 4000 // bytes
	maxTemplate = 16 << 10
)

// bad is what is wrong with a channel as it is set up.
func bad(hint, format string, args ...any) error {
	return &russet.Error{Kind: russet.Usage, What: fmt.Sprintf(format, args...), Hint: hint}
}

// Check tells whether a channel can be used with those credentials, as far as
// that shows without sending anything.
func Check(ch Channel, c Credentials) error {
	if err := checkType(ch.Type); err != nil {
		return err
	}
	for _, k := range ch.Events {
		if !slices.Contains(Kinds(), k) {
			return bad("choose among "+list(Kinds()), "%q is no event", k)
		}
	}
	if len(c.Address) > maxAddress || len(ch.URL) > maxAddress || len(c.Token) > maxToken || len(ch.Template) > maxTemplate {
		return bad("", "the address, the secret or the template is too long")
	}
	if strings.ContainsFunc(string(c.Token), func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return bad("it is one line, without anything around it", "the secret holds characters that no password or token has")
	}
	if err := checkUnused(ch); err != nil {
		return err
	}
	switch ch.Type {
	case Desktop:
		if ch.URL != "" {
			return bad("leave the address out", "a desktop has no address")
		}
		return nil
	case Email:
		return checkMail(ch, c)
	default:
		return checkWeb(ch, c)
	}
}

func checkType(typ Type) error {
	if slices.Contains(Types(), typ) {
		return nil
	}
	return bad("choose one of "+list(Types()), "%q is no type of channel", typ)
}

// checkUnused refuses what a type has no use for, rather than ignore it.
func checkUnused(ch Channel) error {
	if ch.Template != "" && ch.Type != Webhook {
		return bad("leave it out", "only a webhook has a template")
	}
	if ch.From != "" && ch.Type != Email {
		return bad("leave it out", "only an e-mail has a sender")
	}
	if len(ch.To) > 0 && ch.Type != Email && ch.Type != Telegram {
		return bad("leave it out", "only e-mail and Telegram have recipients")
	}
	if ch.Template == "" {
		return nil
	}
	return tryTemplate(ch.Template)
}

func list[T ~string](all []T) string {
	words := make([]string, len(all))
	for i, w := range all {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}

// mailAddress is where an e-mail goes out.
type mailAddress struct {
	host, user string
	port       int
	tls        bool // from the first byte on; else STARTTLS
}

func checkMail(ch Channel, c Credentials) error {
	a, err := parseMail(ch.URL)
	if err != nil {
		return err
	}
	if a.user != "" && c.Token == "" {
		return bad("name a file that holds it with --secret-file, or leave the user out of the address if the server wants none", "there is a user, and no password")
	}
	if a.user == "" && c.Token != "" {
		return bad("put the user before the server: smtp://anna@mail.example.org", "there is a password, and no user it belongs to")
	}
	if len(ch.To) == 0 || len(ch.To) > maxTo {
		return bad(fmt.Sprintf("name one to %d with --to", maxTo), "the e-mail needs recipients")
	}
	for _, addr := range append(slices.Clone(ch.To), a.from(ch)) {
		if _, err := mail.ParseAddress(addr); err != nil {
			return bad("write it as anna@example.org (the sender with --from, recipients with --to)", "%q is no address of e-mail", addr)
		}
	}
	return nil
}

// from is the sender: the one that was set, else the user.
func (a mailAddress) from(ch Channel) string {
	switch {
	case ch.From != "":
		return ch.From
	case strings.Contains(a.user, "@"):
		return a.user
	case a.user != "":
		return a.user + "@" + a.host
	default:
		return "russet@" + a.host
	}
}

// parseMail reads smtp://user@host:port.
func parseMail(address string) (mailAddress, error) {
	const hint = "write smtp://user@mail.example.org (STARTTLS, port 587) or smtps://user@mail.example.org (TLS, port 465)"
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return mailAddress{}, bad(hint, "that is not the address of a mail server")
	}
	if _, has := u.User.Password(); has || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return mailAddress{}, bad(hint+"; the password is asked", "the address of a mail server holds a user and a server, and no more")
	}
	a := mailAddress{host: u.Hostname(), user: u.User.Username(), port: 587, tls: u.Scheme == "smtps"}
	if a.tls {
		a.port = 465
	}
	if p := u.Port(); p != "" {
		if a.port, err = strconv.Atoi(p); err != nil || a.port < 1 || a.port > 65535 {
			return mailAddress{}, bad(hint, "%q is no port", p)
		}
	}
	if a.port == 465 && !a.tls || (a.port == 587 || a.port == 25) && a.tls {
		return mailAddress{}, bad(hint, "on port %d servers speak the other kind of TLS", a.port)
	}
	return a, nil
}

func checkWeb(ch Channel, c Credentials) error {
	address := ch.URL
	if ch.Type.SecretAddress() {
		address = string(c.Address)
	}
	u, err := parseWeb(ch.Type, address)
	if err != nil {
		return err
	}
	if ch.Type.SecretAddress() && ch.URL != Shown(u) {
		return bad("remove the channel and add it again", "the address that is kept sealed goes elsewhere than the one that is shown")
	}
	return checkParts(ch, c, u)
}

// topicName is what ntfy calls a topic.
var topicName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// checkParts looks at what single types need.
func checkParts(ch Channel, c Credentials, u *url.URL) error {
	path := strings.Trim(u.Path, "/")
	switch {
	case ch.Type == Ntfy && (!topicName.MatchString(path[strings.LastIndexByte(path, '/')+1:]) || u.RawQuery != ""):
		return bad("write https://ntfy.sh/your-topic; a topic has 1 to 64 letters, digits, dashes and underscores", "the address names no topic")
	case ch.Type == Discord && !strings.Contains(u.Path, "/webhooks/"):
		return bad("copy it in Discord: the channel's settings, Integrations, Webhooks", "that is not the address of a webhook of Discord")
	case ch.Type == HealthCheck && path == "":
		return bad("copy the ping URL of the check: https://hc-ping.com/…", "the address names no check")
	case ch.Type == Gotify && c.Token == "":
		return bad("make an application in Gotify and take its token; --secret-file names a file that holds it", "Gotify needs a token")
	case ch.Type == Telegram && !strings.Contains(string(c.Token), ":"):
		return bad("write to @BotFather in Telegram: it makes a bot and tells its token, such as 123456:ABC…; --secret-file names a file that holds it", "Telegram needs the token of a bot")
	case ch.Type == Telegram && len(ch.To) != 1:
		return bad("write to your bot, then name your chat's number with --to", "Telegram needs one chat")
	default:
		return nil
	}
}

// parseWeb reads an address of http and refuses to send secrets in the clear
// over the open net.
func parseWeb(typ Type, address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" {
		// Not quoted: it may be a secret.
		return nil, bad("write it as https://…, without a user and a password", "the %s channel has no usable address", typ)
	}
	if u.Scheme == "http" && !near(u.Hostname()) {
		return nil, bad("use https://", "http:// would send the secret to %s readable for everybody on the way", u.Hostname())
	}
	return u, nil
}

// near says that a host is this computer or stands in the same private network,
// as far as its name tells.
func near(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		// 100.64.0.0/10 is where Tailscale's addresses are.
		return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || netip.MustParsePrefix("100.64.0.0/10").Contains(a)
	}
	if !strings.Contains(host, ".") {
		return true // "localhost", "nas", another container
	}
	for _, zone := range []string{".localhost", ".local", ".lan", ".internal", ".home.arpa", ".fritz.box", ".ts.net"} {
		if strings.HasSuffix(host, zone) {
			return true
		}
	}
	return false
}

// InTheClear says that whoever listens in the network of a channel reads what
// is sent to it.
func InTheClear(ch Channel) bool {
	u, err := url.Parse(ch.URL)
	if err != nil || u.Scheme != "http" {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return !(err == nil && a.IsLoopback() || u.Hostname() == "localhost")
}

// Split takes an address as a person typed it apart: what is kept in the
// settings and shown, and the whole of it where that is a secret.
func Split(typ Type, typed string) (shown string, address secrets.Secret, err error) {
	typed = strings.TrimSpace(typed)
	if err := checkType(typ); err != nil {
		return "", "", err
	}
	switch {
	case typ == Email, typ == Desktop:
		return typed, "", nil // Check reads it
	case typ == Telegram && typed == "":
		return "https://api.telegram.org", "", nil
	}
	u, err := parseWeb(typ, typed)
	if err != nil {
		return "", "", err
	}
	if !typ.SecretAddress() {
		return u.String(), "", nil
	}
	return Shown(u), secrets.Secret(u.String()), nil
}

// Bare says that an address names a server and nothing on it.
func Bare(typed string) bool {
	u, err := url.Parse(typed)
	return err == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == ""
}

// Shown is the beginning of an address, which is no secret.
func Shown(u *url.URL) string { return u.Scheme + "://" + u.Host }

// forms are the secrets as they may be quoted, the longest first.
func (c Credentials) forms() []string {
	var all []string
	add := func(s string) {
		if len(s) >= 4 {
			quoted := strconv.Quote(s)
			all = append(all, s, quoted[1:len(quoted)-1], url.PathEscape(s), url.QueryEscape(s), base64.StdEncoding.EncodeToString([]byte(s)))
		}
	}
	add(string(c.Token))
	if _, password, found := strings.Cut(string(c.Token), ":"); found {
		add(password)
	}
	if scheme, value, found := strings.Cut(string(c.Token), " "); found && scheme != "" {
		add(value)
	}
	add(string(c.Address))
	if u, err := url.Parse(string(c.Address)); err == nil {
		add(u.RequestURI())
		add(strings.Trim(u.Path, "/"))
		for part := range strings.SplitSeq(u.Path, "/") {
			if len(part) >= 8 { // "api" and "webhooks" are no secrets
				add(part)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(all)
}
