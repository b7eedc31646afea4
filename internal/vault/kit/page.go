package kit

import (
	"fmt"
	"strings"
)

// style says how a block looks.
type style int

const (
	title style = iota
	heading
	prose
	secret  // the code
	command // for a shell, a word after the other
	listing // lines as they stand
	pageEnd
)

// block is a paragraph, a command, a listing.
type block struct {
	style style
	text  string
	words []string // of a command, quoted
}

func say(s style, format string, args ...any) block {
	return block{style: s, text: fmt.Sprintf(format, args...)}
}

func run(words ...string) block { return block{style: command, words: words} }

// page is all a kit says.
func (k Kit) page() []block {
	p := []block{
		say(title, "Recovery kit of the vault “%s”", k.Store),
		say(prose, "This page opens all backups in the vault named below, without its password. Keep it as you keep the key of your home: "+
			"printed, and neither on the computer that it is for nor beside the disk that the vault is on. Whoever has it and gets at the "+
			"storage can read everything. If both this kit and every password are lost, nobody can open the vault again."),
		say(listing, "Address     %s\nIdentifier  %s\nMade on     %s", k.Place.Address, k.Vault, k.Made.UTC().Format("2 January 2006, 15:04 MST")),
		say(prose, "Recovery code (small letters, spaces and missing dashes are fine; 0 and O, 1 and I and L are the same):"),
		say(secret, "%s", string(k.Code)),
		say(heading, "When the password is lost"),
		say(prose, "On a computer that knows the vault, this asks for the code and then for a new password:"),
		run("russet", "store", "recover", quote(k.Store)),
		say(prose, "On any other computer:"),
		run("russet", "store", "recover", quote(k.Store), quote(k.Place.Address)),
		say(prose, "Making a new kit (russet store kit %s FILE) makes this one useless: its code no longer opens the vault. Destroy it then.", k.Store),
		say(heading, "Without russet"),
		say(prose, "The vault is a kopia repository (https://kopia.io, version 0.23 or newer), and the storage asks for its own password or keys as always; "+
			"they are not on this page. Beside the repository lies the file that the code opens, and a script that does it. Get both:"),
	}
	p = append(p, k.Place.fetch("russet.keys")...)
	p = append(p, k.Place.fetch(ScriptName)...)
	p = append(p,
		say(prose, "If the file is damaged, russet.keys.1 is a second copy. If the script is not there, it is printed below. This asks for the code and "+
			"prints the password of the repository:"),
		run("python3", ScriptName, "russet.keys"),
		say(prose, "With that password, when kopia asks for it:"),
	)
	p = append(p, k.Place.connect()...)
	p = append(p,
		run("kopia", "snapshot", "list", "--all"),
		run("kopia", "restore", "ID", "FOLDER"),
		say(prose, "The list shows a line for each backup, under “russet@vault:/” and the name of the device; ID is the word in it that begins with k. "+
			"FOLDER then holds the backup, and in it russet/README.txt tells how to go on."),
	)
	if k.Place.Kind != Folder {
		p = append(p, say(prose, "If the vault was copied to a disk, take the files from there and connect with"),
			run("kopia", "repository", "connect", "filesystem", "--path=FOLDER"))
	}
	return append(p, block{style: pageEnd}, say(heading, ScriptName), say(listing, "%s", strings.TrimRight(Script(), "\n")))
}
