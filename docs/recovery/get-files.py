#!/usr/bin/env python3
"""Takes an iPhone backup apart that `kopia restore` got out of a russet vault.

    kopia snapshot list --all
    kopia restore SNAPSHOT tree
    python3 get-files.py tree files             your files, as files/DOMAIN/PATH
    python3 get-files.py --rebuild tree backup  the folder that Finder and iTunes know, backup/UDID

Every file is compared with its checksum (SHA-256); one that does not agree is not written.
Python 3.6 or newer is all the first form needs. --rebuild encrypts again what the phone had
encrypted, with the package "cryptography" or, if that is missing, the program openssl.

The tree: russet/index/?? and russet/index/other have a line of JSON for each file.
    name     where it lies in the tree: ab/ab12..., Info.plist
    domain, path   what the phone calls it; a line without them is no file of yours
    size     bytes in the tree        stored   bytes as the phone sent them
    content  SHA-256 of what lies in the tree, if the phone sent something else
    sha256   SHA-256 of what the phone sent
    rebuild  "cbc": the phone sent the content encrypted with AES-256-CBC under
    key      this key, with an IV of zeros and PKCS#7 padding
    why      why the ciphertext itself lies in the tree, although the phone encrypted it

Files that are only in iCloud ("dataless") were never sent. The status is 0 if all went well, 3 if
some files could not be decrypted (their lines say why; with --rebuild and the backup's password
other programs may read them), 1 if something is missing or damaged: the lines on the error output
name it, and the rest was written."""

import argparse
import hashlib
import json
import os
import plistlib
import re
import shutil
import subprocess
import sys
import tempfile

BLOCK = 16
CHUNK = 1 << 20
MAX_LINE = 64 << 10
NAME = re.compile(r"[0-9a-f]{2}\Z|other\Z")
UDID = re.compile(r"[0-9A-Fa-f]{40}\Z|[0-9A-Fa-f]{8}-[0-9A-Fa-f]{16}\Z")


class Bad(Exception):
    """A file that is not written, and why."""


def parts(path, what):
    """The components of a path that stays below the folder it is put into."""
    names = path.split("/")
    for name in names:
        if name in ("", ".", "..") or "\0" in name or (os.name == "nt" and ("\\" in name or ":" in name)):
            raise Bad("%s %r would leave its folder" % (what, path))
    return names


def lines(tree):
    """All lines of the index; those that make no sense are yielded as Bad."""
    index = os.path.join(tree, "russet", "index")
    for shard in sorted(os.listdir(index)):
        if not NAME.match(shard):
            yield Bad("russet/index/%s is no part of an index" % shard)
            continue
        with open(os.path.join(index, shard), "rb") as file:
            for number in range(1, sys.maxsize):
                line = file.readline(MAX_LINE + 1)
                if not line:
                    break
                try:
                    if len(line) > MAX_LINE:
                        raise ValueError("too long")
                    entry = json.loads(line.decode("utf-8"))
                    parts(entry["name"], "name")
                    for key in ("size", "stored", "sha256"):
                        entry[key]
                    yield entry
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError, Bad) as err:
                    yield Bad("russet/index/%s, line %d makes no sense: %s" % (shard, number, err))
                    if len(line) > MAX_LINE:
                        break


def place(folder, names):
    """Makes the folders above a file, and returns where it goes."""
    path = os.path.join(folder, *names)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def new(path, name):
    """Creates a file that is not there yet; where capitals do not count, two may want one name."""
    try:
        return open(path, "xb"), path
    except FileExistsError:
        path += "~" + name[-8:]
        return open(path, "xb"), path


def chunks(file):
    while True:
        data = file.read(CHUNK)
        if not data:
            return
        yield data


def write(source, path, name, digests, change=None):
    """Copies a file, perhaps changed on the way, and keeps the copy only if the digests agree."""
    got = {which: hashlib.sha256() for which in ("before", "after")}
    try:
        with open(source, "rb") as file:
            out, path = new(path, name)
            try:
                with out:
                    for data in (change or (lambda pieces: pieces))(seen(chunks(file), got["before"])):
                        got["after"].update(data)
                        out.write(data)
                for which, want in digests.items():
                    if got[which].hexdigest() != want:
                        raise Bad("its checksum does not agree")
                shutil.copystat(source, path)
                os.chmod(path, 0o600)
            except BaseException:
                os.remove(path)
                raise
    except OSError as err:
        raise Bad(err.strerror or str(err))


def seen(pieces, digest):
    for data in pieces:
        digest.update(data)
        yield data


def cipher(key, encrypt):
    """A function that encrypts or decrypts whole blocks, piece by piece."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError:
        return lambda pieces: openssl(key, encrypt, pieces)
    both = Cipher(algorithms.AES(key), modes.CBC(bytes(BLOCK)))

    def run(pieces):
        one = both.encryptor() if encrypt else both.decryptor()
        for data in pieces:
            yield one.update(data)
        yield one.finalize()
    return run


def openssl(key, encrypt, pieces):
    """The same with the program. The key stands in its arguments for as long as it runs; it
    opens nothing but the file that is being written."""
    command = ["openssl", "enc", "-e" if encrypt else "-d", "-aes-256-cbc", "-nopad", "-K", key.hex(), "-iv", "0" * 32]
    with tempfile.TemporaryFile() as before, tempfile.TemporaryFile() as after:
        for data in pieces:
            before.write(data)
        before.seek(0)
        try:
            subprocess.run(command, stdin=before, stdout=after, stderr=subprocess.PIPE, check=True)
        except OSError:
            raise Bad("neither the package cryptography nor the program openssl is there")
        except subprocess.CalledProcessError as err:
            raise Bad("openssl: " + err.stderr.decode("utf-8", "replace").strip())
        after.seek(0)
        for data in chunks(after):
            yield data


def pad(pieces):
    length = 0
    for data in pieces:
        length += len(data)
        yield data
    fill = BLOCK - length % BLOCK
    yield bytes([fill]) * fill


def whole(pieces):
    """Leaves out what is no whole block at the end."""
    rest = b""
    for data in pieces:
        data = rest + data
        cut = len(data) - len(data) % BLOCK
        rest = data[cut:]
        yield data[:cut]


def unpad(pieces):
    """Takes PKCS#7 padding off, where there is any."""
    last = b""
    for data in pieces:
        data = last + data
        yield data[:-BLOCK]
        last = data[-BLOCK:]
    fill = last[-1] if last else 0
    if 1 <= fill <= BLOCK and last.endswith(bytes([fill]) * fill):
        last = last[:-fill]
    yield last


def content(tree, entry, out):
    """Writes the content of one of the owner's files. Returns why it could not."""
    name = entry["name"]
    source = os.path.join(tree, *parts(name, "name"))
    path = place(out, parts(entry["domain"], "domain") + parts(entry["path"], "path"))
    why = entry.get("why")
    if not why:
        write(source, path, name, {"before": entry.get("content", entry["sha256"])})
    elif why == "dataless" or not entry.get("key"):
        return why
    else:
        opened = cipher(bytes.fromhex(entry["key"]), False)
        write(source, path, name, {"before": entry["sha256"]}, lambda pieces: unpad(opened(whole(pieces))))
    return None


def stored(tree, entry, out):
    """Writes a file as the phone sent it."""
    name = entry["name"]
    source = os.path.join(tree, *parts(name, "name"))
    path = place(out, parts(name, "name"))
    rebuild = entry.get("rebuild")
    if not rebuild:
        write(source, path, name, {"before": entry["sha256"]})
    elif rebuild == "cbc":
        closed = cipher(bytes.fromhex(entry["key"]), True)
        write(source, path, name, {"before": entry["content"], "after": entry["sha256"]}, lambda pieces: closed(pad(pieces)))
    else:
        raise Bad("made in a way that this script does not know: %r" % rebuild)


def device(tree):
    """The phone's name for itself, which is the name of its folder."""
    with open(os.path.join(tree, "Info.plist"), "rb") as file:
        udid = plistlib.load(file).get("Target Identifier")
    if not isinstance(udid, str) or not UDID.match(udid):
        raise SystemExit("Info.plist does not say which phone this is")
    return udid


def unlisted(tree, listed):
    """Files of the tree that have no line in the index."""
    for folder, below, files in os.walk(tree):
        if folder == tree and "russet" in below:
            below.remove("russet")
        for file in files:
            name = os.path.relpath(os.path.join(folder, file), tree).replace(os.sep, "/")
            if name not in listed:
                yield name


def main():
    about = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    about.add_argument("tree", help="what kopia restored")
    about.add_argument("folder", help="where to write to; must be missing or empty")
    about.add_argument("--rebuild", action="store_true", help="make the whole backup as the phone sent it")
    args = about.parse_args()
    if os.path.lexists(args.folder) and os.listdir(args.folder):
        raise SystemExit("%s is not empty" % args.folder)
    out = os.path.join(args.folder, device(args.tree)) if args.rebuild else args.folder
    os.makedirs(out, exist_ok=True)

    good, away, kept, bad, listed = 0, 0, [], [], set()
    for entry in lines(args.tree):
        if isinstance(entry, Bad):
            bad.append(str(entry))
            continue
        name = entry["name"]
        listed.add(name)
        if not args.rebuild and "domain" not in entry:
            continue
        try:
            why = stored(args.tree, entry, out) if args.rebuild else content(args.tree, entry, out)
        except (Bad, OSError, KeyError, ValueError, TypeError, AttributeError) as err:
            bad.append("%s (%s/%s): %s" % (name, entry.get("domain", ""), entry.get("path", ""), err))
            continue
        if why == "dataless":
            away += 1
        elif why:
            kept.append("%s/%s: %s" % (entry["domain"], entry.get("path", ""), why))
        else:
            good += 1
    bad += ["%s is not in the index" % name for name in unlisted(args.tree, listed)]

    for line in kept:
        print("not decrypted: " + line, file=sys.stderr)
    for line in bad:
        print("not written: " + line, file=sys.stderr)
    print("%d files written to %s, %d only in iCloud, %d not decrypted, %d missing or damaged"
          % (good, out, away, len(kept), len(bad)))
    return 1 if bad else 3 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
