package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"russet"
)

// maxAnswer bounds what is read of a server's answer, in bytes.
const maxAnswer = 16 << 10

// request is one to a server.
type request struct {
	url         string
	contentType string
	body        []byte
	header      http.Header // beside the type of the body
	// answered explains an answer better than its status does; nil when the
	// status says enough.
	answered func(status int, answer []byte) *trouble
}

// post sends a request. Anything but a 2xx answer is an error.
func (t talk) post(ctx context.Context, r request) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return bad("remove the channel and add it again", "its address cannot be used")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", r.contentType)
	req.Header.Set("User-Agent", "russet/"+russet.Version)
	resp, err := client().Do(req)
	if err != nil {
		return t.unreachable(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil && len(answer) == 0 {
		return t.unreachable(err)
	}
	if r.answered != nil {
		if tr := r.answered(resp.StatusCode, answer); tr != nil {
			return tr
		}
	}
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return t.status(resp, answer)
}

// client speaks to one server once. It follows no redirect: that would hand the
// secret to another server.
func client() *http.Client {
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{}).DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// unreachable explains why there was no answer.
func (t talk) unreachable(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // the whole quotes the address
	}
	if certificate(err) {
		return &trouble{
			kind: russet.Unsupported, what: "the server's certificate is not trusted: " + err.Error(), err: err,
			hint: "see that the name in the address is the one in its certificate; a server of your own needs one from an authority that this computer trusts",
		}
	}
	hint := "see whether this computer is on the net, and whether the server runs: " + t.where()
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		hint = "see that the server's name is right, and that this computer is on the net: " + t.where()
	}
	return &trouble{kind: russet.NotConnected, what: "the server cannot be reached: " + err.Error(), hint: hint, err: err}
}

func certificate(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	_, ok := errors.AsType[x509.HostnameError](err)
	return ok
}

// status explains an answer by its status alone, with what the server says.
func (t talk) status(resp *http.Response, answer []byte) *trouble {
	says := t.said(answer)
	tr := &trouble{kind: russet.Usage, what: fmt.Sprintf("the server answers %d%s", resp.StatusCode, says)}
	switch code := resp.StatusCode; {
	case code/100 == 3:
		tr.kind, tr.what = russet.Usage, "the server sends us elsewhere, and russet does not hand secrets on"
		if to, err := resp.Location(); err == nil {
			tr.what = "the server sends us on to " + Shown(to) + ", and russet does not hand secrets on"
		}
		tr.hint = "add the channel again with the address it has now"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		tr.kind, tr.what = russet.Password, "the server refuses the token or password"+says
		tr.hint = fmt.Sprintf("see that it is the right one and may write there, then: russet notify remove %s, and add it again", t.ch.Name)
	case code == http.StatusNotFound, code == http.StatusGone:
		return t.unknown(says)
	case code == http.StatusTooManyRequests:
		tr.kind, tr.what, tr.hint = russet.Busy, "the server takes no more messages for now"+says, "wait "+retryAfter(resp.Header)+"; if it stays so, see how many messages it allows"
	case code >= 500:
		tr.kind, tr.hint = russet.NotConnected, "the server has trouble of its own: try again later, or see its log"
	default:
		tr.hint = "see whether the address belongs to that kind of channel: " + t.where()
	}
	return tr
}

// unknown is the trouble with an address that the server does not know.
func (t talk) unknown(says string) *trouble {
	return &trouble{
		kind: russet.Usage, what: "the server does not know that address (any more)" + says,
		hint: fmt.Sprintf("copy the address anew, then: russet notify remove %s, and add it again", t.ch.Name),
	}
}

// retryAfter says how long to wait: what the server asks for in seconds, as
// Telegram and Discord do, or an hour.
func retryAfter(h http.Header) string {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	switch {
	case err != nil || n < 1 || n > 3600:
		return "an hour"
	case n < 120:
		return many(n, "second")
	default:
		return many((n+59)/60, "minute")
	}
}

// said is what a server says beside its status, after a colon.
func (t talk) said(answer []byte) string {
	var fields struct {
		Error            any    `json:"error"`
		ErrorDescription string `json:"errorDescription"` // Gotify
		Message          string `json:"message"`          // Discord
		Description      string `json:"description"`      // Telegram
	}
	text := ""
	if json.Unmarshal(answer, &fields) == nil {
		text = fields.ErrorDescription + fields.Message + fields.Description
		if word, ok := fields.Error.(string); ok && text == "" { // ntfy
			text = word
		}
	} else if !bytes.Contains(answer, []byte("<")) { // no page of a proxy
		text = string(answer)
	}
	whole := len(answer) < maxAnswer
	if text = t.quote(text, whole); text == "" {
		return ""
	}
	return ": " + text
}
