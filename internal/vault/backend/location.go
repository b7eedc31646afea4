package backend

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"russet"
)

// The kinds of places a vault can be.
const (
	File   = "file"
	S3     = "s3"
	SFTP   = "sftp"
	WebDAV = "webdav"
)

const (
	scheme     = "vault:"
	amazon     = "s3.amazonaws.com"
	maxAddress = 4096
)

// Location is where a vault is. It holds no secret and is comparable.
type Location struct {
	Kind   string // File, S3, SFTP or WebDAV
	Path   string // the folder: absolute, on this computer or on the server; "" for S3
	Host   string // the server; for S3 its endpoint
	Port   int    // 0 is the usual one
	User   string // SFTP and WebDAV; "" leaves it to the credentials
	Bucket string // S3
	Prefix string // S3: what every name in the bucket begins with, without a slash at its ends
	Region string // S3; "" lets the server say
	TLS    bool   // S3 and WebDAV
}

var (
	hasScheme  = regexp.MustCompile(`^[A-Za-z0-9+.-]{2,}:`) // one letter is a drive of Windows
	bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	hostName   = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._-]{0,252})$`)
)

// Parse reads the address of a vault:
//
//	vault:/folder
//	vault:s3://bucket/prefix?endpoint=host:port&region=name&tls=off
//	vault:sftp://user@host:port/folder
//	vault:webdav://host/folder   vault:webdavs://host/folder
//
// An address never holds a secret; one that does is refused and not repeated.
func Parse(address string) (Location, error) {
	rest, ok := strings.CutPrefix(address, scheme)
	if !ok || len(address) > maxAddress || hasControl(address) {
		return Location{}, refuse("this is not the address of a vault", "write vault:/folder, vault:s3://bucket, vault:sftp://user@host/folder or vault:webdavs://host/folder")
	}
	if !hasScheme.MatchString(rest) {
		return parseFolder(rest)
	}
	u, err := url.Parse(rest)
	if err != nil {
		// The error of url.Parse repeats the address, and that may hold a password.
		return Location{}, refuse("the address of the vault cannot be read", "special characters in it are written like in a web address: %20 is a space")
	}
	if _, secret := u.User.Password(); secret {
		return Location{}, refuse("the address of the vault holds a password", "leave it out: russet asks for the password and keeps it sealed")
	}
	if u.Fragment != "" || u.Opaque != "" || strings.Contains(rest, "#") {
		return Location{}, refuse("the address of the vault has a # in it", "write %23 for a # in a folder's name")
	}
	switch u.Scheme {
	case "s3":
		return parseS3(u)
	case "sftp", "webdav", "webdavs":
		return parseServer(u)
	}
	return Location{}, refuse(fmt.Sprintf("vaults cannot be kept on %q", u.Scheme), "there are folders, s3, sftp, webdav and webdavs")
}

func parseFolder(folder string) (Location, error) {
	if !filepath.IsAbs(folder) {
		return Location{}, refuse("the folder of the vault is not an absolute path", "write vault:/folder, from the root of the disk")
	}
	return Location{Kind: File, Path: filepath.Clean(folder)}, nil
}

func parseServer(u *url.URL) (Location, error) {
	l := Location{Kind: SFTP, User: u.User.Username()}
	if u.Scheme != "sftp" {
		l.Kind, l.TLS = WebDAV, u.Scheme == "webdavs"
	}
	if u.RawQuery != "" || u.ForceQuery {
		return Location{}, refuse("the address of the vault has a ? in it", "write %3F for a ? in a folder's name")
	}
	if err := l.setHost(u.Host); err != nil {
		return Location{}, err
	}
	if l.Path = path.Clean("/" + u.Path); hasControl(l.Path) || hasControl(l.User) {
		return Location{}, refuse("the address of the vault has control characters in it", "")
	}
	return l, nil
}

func parseS3(u *url.URL) (Location, error) {
	l := Location{Kind: S3, Bucket: u.Host, Prefix: strings.Trim(path.Clean("/"+u.Path), "/"), TLS: true, Host: amazon}
	if u.User != nil {
		return Location{}, refuse("the address of the vault names a user", "leave it out: russet asks for the access key and keeps it sealed")
	}
	if !bucketName.MatchString(l.Bucket) {
		return Location{}, refuse("the address of the vault names no bucket", "write vault:s3://bucket/prefix?endpoint=host")
	}
	if hasControl(l.Prefix) {
		return Location{}, refuse("the address of the vault has control characters in it", "")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Location{}, refuse("what follows the ? in the address of the vault cannot be read", "write endpoint=host:port, region=name, tls=off, with & between them")
	}
	for key, values := range query {
		if len(values) != 1 {
			return Location{}, refuse("the address of the vault says something twice", "")
		}
		if err := l.setOption(key, values[0]); err != nil {
			return Location{}, err
		}
	}
	return l, nil
}

func (l *Location) setOption(key, value string) error {
	switch {
	case key == "endpoint":
		return l.setHost(value)
	case key == "region" && regionName.MatchString(value):
		l.Region = value
	case key == "tls" && value == "off":
		l.TLS = false
	case key == "tls" && value == "on":
	default:
		// Neither is repeated: people put keys here.
		return refuse("what follows the ? in the address of the vault is not understood", "there are endpoint=host:port, region=name and tls=off; keys and passwords do not belong into an address")
	}
	return nil
}

// setHost takes "host", "host:port", "[::1]" or "[::1]:port".
func (l *Location) setHost(s string) error {
	host, port := s, ""
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 || strconv.Itoa(n) != port {
			return refuse("the port in the address of the vault is not a number from 1 to 65535", "write host:port")
		}
		l.Port = n
	}
	bare := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	switch ip := net.ParseIP(bare); {
	case len(bare) == len(host)-2 && ip != nil && strings.Contains(bare, ":"):
		l.Host = ip.String()
		if !strings.Contains(l.Host, ":") { // an IPv4 address in the clothes of IPv6
			l.Host = "::ffff:" + l.Host
		}
	case len(bare) == len(host) && hostName.MatchString(host):
		l.Host = strings.ToLower(host)
	default:
		return refuse("the server in the address of the vault is not the name of a server", "write host or host:port")
	}
	return nil
}

// String is the address; Parse of it gives l back.
func (l Location) String() string {
	switch l.Kind {
	case File:
		return scheme + l.Path
	case S3:
		return scheme + l.s3String()
	}
	u := url.URL{Scheme: "sftp", Host: l.address(0), Path: l.Path}
	switch {
	case l.Kind == WebDAV && l.TLS:
		u.Scheme = "webdavs"
	case l.Kind == WebDAV:
		u.Scheme = "webdav"
	}
	if l.User != "" {
		u.User = url.User(l.User)
	}
	return scheme + u.String()
}

func (l Location) s3String() string {
	u := url.URL{Scheme: "s3", Host: l.Bucket}
	if l.Prefix != "" {
		u.Path = "/" + l.Prefix
	}
	query := url.Values{}
	if l.Host != amazon || l.Port != 0 {
		query.Set("endpoint", l.address(0))
	}
	if l.Region != "" {
		query.Set("region", l.Region)
	}
	if !l.TLS {
		query.Set("tls", "off")
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// Local reports that the vault is a folder of this computer.
func (l Location) Local() bool { return l.Kind == File }

// address is the server's "host:port"; without a port it has the usual one, or
// none when that is 0.
func (l Location) address(usual int) string {
	host, port := l.Host, l.Port
	if port == 0 {
		port = usual
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == 0 {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

func refuse(what, hint string) error {
	return &russet.Error{Kind: russet.Usage, What: what, Hint: hint}
}
