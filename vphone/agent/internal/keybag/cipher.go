package keybag

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
)

// BlockSize is the unit of a file's ciphertext.
const BlockSize = aes.BlockSize

// ErrPadding says that a file's last block is not padded as PKCS#7 has it.
var ErrPadding = errors.New("the padding of an encrypted file is damaged")

func cbc(key Key, mode func(cipher.Block, []byte) cipher.BlockMode) cipher.BlockMode {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // a Key is 32 bytes: nothing to refuse
	}
	return mode(block, make([]byte, BlockSize))
}

// NewEncrypter is a file's cipher: AES-256-CBC, the first block chained to
// zeros. It works in place on whole blocks.
func NewEncrypter(key Key) cipher.BlockMode { return cbc(key, cipher.NewCBCEncrypter) }

// NewDecrypter undoes NewEncrypter.
func NewDecrypter(key Key) cipher.BlockMode { return cbc(key, cipher.NewCBCDecrypter) }

// Pad appends the padding of PKCS#7: 1 to 16 bytes, a whole block where
// content ends on a block.
func Pad(content []byte) []byte {
	n := BlockSize - len(content)%BlockSize
	return append(content, bytes.Repeat([]byte{byte(n)}, n)...)
}

// Unpad removes the padding from the last blocks of a file.
func Unpad(padded []byte) ([]byte, error) {
	if len(padded) == 0 || len(padded)%BlockSize != 0 {
		return nil, ErrPadding
	}
	n := int(padded[len(padded)-1])
	if n < 1 || n > BlockSize {
		return nil, ErrPadding
	}
	content := padded[:len(padded)-n]
	for _, c := range padded[len(content):] {
		if int(c) != n {
			return nil, ErrPadding
		}
	}
	return content, nil
}
