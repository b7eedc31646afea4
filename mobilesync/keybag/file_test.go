package keybag_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"russet/mobilesync/keybag"
)

// form is what a vector's words mean.
func (v *cipherVector) form() keybag.Form {
	switch {
	case len(v.Cipher.b) == 0 && v.Cipher.present:
		return keybag.Empty
	case strings.HasPrefix(v.Expect, "padding"):
		return keybag.Unpadded
	case strings.HasPrefix(v.Expect, "damaged"):
		return keybag.Truncated
	}
	return keybag.Padded
}

// read gives a vector's content by both ways of reading.
func read(t *testing.T, stored []byte, k keybag.Key) (byStream, atRandom []byte, form keybag.Form) {
	t.Helper()
	r := keybag.DecryptReader(iotest.OneByteReader(bytes.NewReader(stored)), k)
	byStream, err := io.ReadAll(r)
	f, openErr := keybag.NewFile(bytes.NewReader(stored), int64(len(stored)), k)
	if openErr != nil {
		t.Fatal(openErr)
	}
	if f.Form() != r.Form() {
		t.Errorf("a stream says %v, a file %v", r.Form(), f.Form())
	}
	atRandom, fileErr := io.ReadAll(&offsetReader{f, 0})
	for _, err := range []error{err, fileErr} {
		if cut := errors.Is(err, keybag.ErrTruncated); cut != (f.Form() == keybag.Truncated) || (!cut && err != nil) {
			t.Errorf("%v file ends with %v", f.Form(), err)
		}
	}
	if int64(len(atRandom)) != f.Size() {
		t.Errorf("size %d, read %d", f.Size(), len(atRandom))
	}
	return byStream, atRandom, f.Form()
}

// offsetReader reads through ReadAt and keeps its errors.
type offsetReader struct {
	f   *keybag.File
	off int64
}

func (r *offsetReader) Read(p []byte) (int, error) {
	n, err := r.f.ReadAt(p[:min(len(p), 1000)], r.off)
	r.off += int64(n)
	return n, err
}

func TestEveryCiphertext(t *testing.T) {
	u := unlocked(t, "fast-ascii")
	for _, v := range ciphertexts(t) {
		t.Run(v.Name, func(t *testing.T) {
			k, err := u.FileKey(v.EncryptionKey.b)
			if !v.FileKey.present {
				if !errors.Is(err, keybag.ErrNoKey) {
					t.Errorf("a lost class key gives %v", err)
				}
				return
			}
			if err != nil || !bytes.Equal(k.Bytes(), v.FileKey.b) {
				t.Fatalf("file key %x, %v", k.Bytes(), err)
			}
			stored := v.stored(t)
			byStream, atRandom, form := read(t, stored, k)
			if form != v.form() {
				t.Errorf("form %v, want %v", form, v.form())
			}
			if form == keybag.Truncated { // the three blocks that are whole
				v.Plain = hexBytes{byStream, len(byStream) == 48}
			}
			if want := v.plain(); !bytes.Equal(byStream, want) || !bytes.Equal(atRandom, want) {
				t.Errorf("got %x and %x, want %x", byStream, atRandom, want)
			}
			if again, err := keybag.RoundTrip(bytes.NewReader(stored), k); err != nil || again != v.Reencrypts {
				t.Errorf("comes back: %v, %v; want %v", again, err, v.Reencrypts)
			}
		})
	}
}

func TestRandomAccessFindsEveryByte(t *testing.T) {
	k := key(t, bytes.Repeat([]byte{1}, keybag.KeySize))
	plain := make([]byte, 1000)
	for i := range plain {
		plain[i] = byte(i * 7)
	}
	stored := encrypt(t, plain, k)
	f, err := keybag.NewFile(bytes.NewReader(stored), int64(len(stored)), k)
	if err != nil {
		t.Fatal(err)
	}
	for off := range 60 {
		for n := range 60 {
			p := make([]byte, n)
			if _, err := f.ReadAt(p, int64(off)); err != nil || !bytes.Equal(p, plain[off:off+n]) {
				t.Fatalf("ReadAt(%d bytes, %d): %v", n, off, err)
			}
		}
	}
	p := make([]byte, 20)
	if n, err := f.ReadAt(p, 990); n != 10 || err != io.EOF {
		t.Errorf("across the end: %d, %v", n, err)
	}
	if n, err := f.ReadAt(p, 5000); n != 0 || err != io.EOF {
		t.Errorf("beyond the end: %d, %v", n, err)
	}
	if _, err := f.ReadAt(p, -1); err == nil {
		t.Error("read before the start")
	}
}

func TestLongStreams(t *testing.T) {
	k := key(t, bytes.Repeat([]byte{2}, keybag.KeySize))
	for _, n := range []int{65519, 65520, 65535, 65536, 65552, 131072, 200001} {
		plain := bytes.Repeat([]byte("abcdefg"), n)[:n]
		byStream, atRandom, form := read(t, encrypt(t, plain, k), k)
		if form != keybag.Padded || !bytes.Equal(byStream, plain) || !bytes.Equal(atRandom, plain) {
			t.Errorf("%d bytes: %v, got %d and %d", n, form, len(byStream), len(atRandom))
		}
	}
}

func TestReadErrorsAreNotTheEnd(t *testing.T) {
	k := keybag.Key{}
	boom := errors.New("boom")
	r := keybag.DecryptReader(io.MultiReader(bytes.NewReader(make([]byte, 32)), iotest.ErrReader(boom)), k)
	if _, err := io.ReadAll(r); !errors.Is(err, boom) {
		t.Errorf("stream: %v", err)
	}
	// The folder shrank between listing and reading.
	if _, err := keybag.NewFile(bytes.NewReader(make([]byte, 16)), 64, k); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("file: %v", err)
	}
	w := keybag.EncryptWriter(failing{boom}, k)
	if err := w.Close(); !errors.Is(err, boom) {
		t.Errorf("writer: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
