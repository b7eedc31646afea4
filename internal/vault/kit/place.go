package kit

import (
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// blobFile is the name of the file that holds a blob: kopia adds ".f" wherever
// there are folders.
func (p Place) blobFile(name string) string {
	if p.Kind == S3 {
		return name
	}
	return name + ".f"
}

// fetch are the commands that copy a blob into the present folder.
func (p Place) fetch(name string) []block {
	file := p.blobFile(name)
	switch p.Kind {
	case S3:
		words := []string{"aws", "s3", "cp", quote("s3://" + path.Join(p.Bucket, p.Prefix, file)), name}
		if p.endpoint() != amazon {
			words = append(words, quote("--endpoint-url="+p.web()+p.endpoint()))
		}
		if p.Region != "" {
			words = append(words, quote("--region="+p.Region))
		}
		return []block{run(words...)}
	case SFTP:
		words := []string{"scp"}
		if p.Port != 0 {
			words = append(words, "-P", strconv.Itoa(p.Port))
		}
		// scp asks the server's shell for nothing any more; it takes the name as it stands.
		return []block{run(append(words, quote(p.user()+"@"+p.bracketed()+":"+path.Join(p.Path, file)), name)...)}
	case WebDAV:
		return []block{run("curl", "--fail", "--user", quote(p.user()), "--output", name, quote(p.url(file)))}
	default:
		return []block{run("cp", quote(path.Join(p.Path, file)), name)}
	}
}

// connect are the commands that make kopia know the repository.
func (p Place) connect() []block {
	words := []string{"kopia", "repository", "connect"}
	switch p.Kind {
	case S3:
		words = append(words, "s3", quote("--bucket="+p.Bucket))
		if p.Prefix != "" {
			words = append(words, quote("--prefix="+p.Prefix+"/"))
		}
		if p.endpoint() != amazon {
			words = append(words, quote("--endpoint="+p.endpoint()))
		}
		if p.Region != "" {
			words = append(words, quote("--region="+p.Region))
		}
		if !p.TLS {
			words = append(words, "--disable-tls")
		}
		return []block{
			run("export", "AWS_ACCESS_KEY_ID=KEY"),
			run("read", "-rs", "AWS_SECRET_ACCESS_KEY", "&&", "export", "AWS_SECRET_ACCESS_KEY"),
			run(words...),
		}
	case SFTP:
		words = append(words, "sftp", quote("--host="+p.Host))
		if p.Port != 0 {
			words = append(words, "--port="+strconv.Itoa(p.Port))
		}
		words = append(words, quote("--username="+p.user()), quote("--path="+p.Path),
			`--keyfile="$HOME/.ssh/id_ed25519"`, `--known-hosts="$HOME/.ssh/known_hosts"`)
		return []block{
			run(words...),
			say(prose, "(with your own key; a server that wants a password instead: --sftp-password=PASSWORD in place of --keyfile)"),
		}
	case WebDAV:
		// kopia asks for the server's password by itself.
		return []block{run(append(words, "webdav", quote("--url="+p.url("")), quote("--webdav-username="+p.user()))...)}
	default:
		return []block{run(append(words, "filesystem", quote("--path="+p.Path))...)}
	}
}

const amazon = "s3.amazonaws.com"

// bracketed is the host as it stands before a colon.
func (p Place) bracketed() string {
	if strings.Contains(p.Host, ":") {
		return "[" + p.Host + "]"
	}
	return p.Host
}

func (p Place) endpoint() string {
	if p.Port == 0 {
		return p.bracketed()
	}
	return net.JoinHostPort(p.Host, strconv.Itoa(p.Port))
}

func (p Place) web() string {
	if p.TLS {
		return "https://"
	}
	return "http://"
}

func (p Place) url(file string) string {
	u := url.URL{Path: path.Join("/", p.Path, file)}
	return p.web() + p.endpoint() + u.EscapedPath()
}

// user is whom the server knows; a word to replace when the address does not
// say.
func (p Place) user() string {
	if p.User == "" {
		return "USER"
	}
	return p.User
}

// quote makes a word of a shell; plain ones stay as they are.
func quote(word string) string {
	plain := strings.IndexFunc(word, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:@._=+,-%", r)
	}) < 0
	if plain && word != "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// shellLines lays the words of a command out in lines of at most width, so that
// a shell reads it as one command. A word that is longer is broken when cut
// says so: a backslash at the end of a line joins it with the next, if that
// begins at once.
func shellLines(words []string, width int, cut bool) []string {
	var lines []string
	line := []rune{}
	for i, word := range words {
		w := []rune(word)
		last := i == len(words)-1
		if len(line) > 0 && len(line)+1+len(w)+2 > width {
			lines = append(lines, string(line)+" \\")
			line = []rune("    ")
		} else if len(line) > 0 {
			line = append(line, ' ')
		}
		for cut && len(line)+len(w)+2 > width {
			head, rest := splitWord(w, width-len(line)-2)
			if head == nil {
				break
			}
			lines = append(lines, string(line)+string(head)+"\\")
			line, w = nil, rest
		}
		line = append(line, w...)
		if last {
			lines = append(lines, string(line))
		}
	}
	return lines
}

// splitWord cuts a quoted word in two quoted ones, an unquoted one anywhere. It
// never cuts beside a quote or a backslash, which may belong together.
func splitWord(w []rune, at int) (head, rest []rune) {
	if at < 2 || at >= len(w)-2 {
		at = min(at, len(w)-3)
	}
	inQuotes := len(w) > 0 && w[0] == '\''
	if inQuotes {
		at-- // the closing quote
	}
	for ; at > 2; at-- {
		if !strings.ContainsRune(`'\`, w[at-1]) && !strings.ContainsRune(`'\`, w[at]) {
			break
		}
	}
	if at <= 2 {
		return nil, nil
	}
	head, rest = append([]rune{}, w[:at]...), append([]rune{}, w[at:]...)
	if inQuotes {
		head, rest = append(head, '\''), append([]rune{'\''}, rest...)
	}
	return head, rest
}
