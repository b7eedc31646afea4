"""Reads an encrypted backup with a library nobody here wrote.

usage: read_backup.py LIBRARY FOLDER < password
Prints one line a file: file ID, SHA-256 of the content, or the reader's own refusal.
"""
import hashlib
import sys


def with_iphone_backup_decrypt(folder, password):
    from iphone_backup_decrypt import EncryptedBackup

    backup = EncryptedBackup(backup_directory=folder, passphrase=password)
    with backup.manifest_db_cursor() as cursor:
        cursor.execute("SELECT fileID, domain, relativePath FROM Files WHERE flags = 1")
        rows = cursor.fetchall()
    for file_id, domain, path in rows:
        yield file_id, lambda: backup.extract_file_as_bytes(path, domain_like=domain)


def with_pyiosbackup(folder, password):
    from pyiosbackup import Backup

    backup = Backup.from_path(folder, password)
    for entry in backup.iter_files():
        if entry.is_file():
            yield entry.hash_path.name, entry.read_bytes


READERS = {"iphone_backup_decrypt": with_iphone_backup_decrypt, "pyiosbackup": with_pyiosbackup}

for file_id, read in READERS[sys.argv[1]](sys.argv[2], sys.stdin.readline().rstrip("\n")):
    try:
        print(file_id, hashlib.sha256(read() or b"").hexdigest())
    except Exception as e:  # a refusal is a result
        print(file_id, "refused:", type(e).__name__, str(e).replace("\n", " ")[:200])
