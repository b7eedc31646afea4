#!/usr/bin/env python3
"""Opens the file russet.keys of a vault: prints the password of its kopia repository.

    python3 open-keys.py russet.keys

It asks for a password of the vault or for the code of its recovery kit (or reads one line of
standard input). Python 3.6 or newer with hashlib.scrypt is all it needs."""
import base64, getpass, hashlib, hmac, json, sys, unicodedata

with open(sys.argv[1], encoding="utf-8") as file:
    keys = json.load(file)
ask = getpass.getpass if sys.stdin.isatty() else lambda _: sys.stdin.readline()
typed = ask("Password or recovery code: ").rstrip("\r\n")

code = "".join(c for c in typed.upper() if c.isalnum()).translate(str.maketrans("OIL", "011"))
code = "".join(code[i:i + 4] for i in range(0, len(code), 5))  # the fifth finds typing mistakes
words = {"password": unicodedata.normalize("NFC", typed), "recovery code": code}

for s in keys["slots"]:
    if s["kind"] not in words:
        continue
    salt, sealed = base64.b64decode(s["salt"]), base64.b64decode(s["sealed"])
    key = hashlib.scrypt(words[s["kind"]].encode(), salt=salt, n=s["n"], r=s["r"], p=s["p"],
                         maxmem=2 ** 30, dklen=64)
    said = [keys["format"], keys["version"], keys["vault"], s["kind"], s["name"], s["created"],
            s["kdf"], s["n"], s["r"], s["p"], s["salt"], ""]
    said = "\n".join(str(part) for part in said).encode() + sealed[:32]
    if hmac.compare_digest(hmac.new(key[32:], said, "sha256").digest(), sealed[32:]):
        master = bytes(a ^ b for a, b in zip(key, sealed[:32]))
        print(base64.b32encode(master).decode().rstrip("=").lower())
        sys.exit(0)
sys.exit("This opens no slot: mistyped, or replaced by a newer one.")
