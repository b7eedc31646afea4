package notify

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"text/template"
	"time"

	"russet"
)

// maxRendered bounds what a template makes, in bytes.
const maxRendered = 64 << 10

var errLong = errors.New("it makes more than 64 KiB")

// bounded is a buffer with an end.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, errLong
	}
	return b.Buffer.Write(p)
}

// render fills a template of text/template with a message. Its function json
// writes a value as JSON, so that {"text": {{json .Title}}} is right whatever a
// phone is called.
func render(text string, m Message) ([]byte, error) {
	functions := template.FuncMap{"json": func(v any) (string, error) {
		data, err := json.Marshal(v)
		return string(data), err
	}, "upper": strings.ToUpper}
	var out bounded
	t, err := template.New("template").Funcs(functions).Parse(text)
	if err == nil {
		err = t.Execute(&out, m)
	}
	if err != nil {
		return nil, &russet.Error{
			Kind: russet.Usage, What: "the template does not work: " + err.Error(),
			Hint: `for example: {"text": {{json .Title}}, "more": {{json .Body}}}; there are .Kind .Time .Device .Name .Store .Title .Text .Next .Code .Urgent`,
		}
	}
	return out.Bytes(), nil
}

// tryTemplate finds out whether a template works: also, where it makes JSON, with
// words that mean something there. A phone's owner may call it anything.
func tryTemplate(text string) error {
	const word, odd = "sample", "a \"b\" \\\n"
	sample := func(word string) Message {
		return Message{
			Kind: Test, Time: sampleTime(), Device: "00008140-000000000000000A", Name: word, Store: word, Title: word, Text: word,
		}
	}
	plain, err := render(text, sample(word))
	if err != nil || !json.Valid(plain) {
		return err
	}
	quoted, err := render(text, sample(odd))
	if err == nil && !json.Valid(quoted) {
		return &russet.Error{
			Kind: russet.Usage, What: "the template makes no JSON any more when there are quotes in a message, as in the name of a phone",
			Hint: `let "json" write the quotes: {"text": {{json .Title}}} instead of {"text": "{{.Title}}"}`,
		}
	}
	return err
}

// sampleTime is when the message was that a template is tried with.
func sampleTime() time.Time { return time.Unix(1_800_000_000, 0).UTC() }
