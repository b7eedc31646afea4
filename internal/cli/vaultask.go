package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"russet"
	"russet/internal/host"
	"russet/internal/secrets"
	"russet/internal/vault/backend"
	"russet/internal/vault/keys"
)

// vaultAnswers says where the passwords of vaults come from in this run.
func (a *app) vaultAnswers() host.VaultAnswers {
	v := host.VaultAnswers{File: a.getenv("RUSSET_VAULT_PASSWORD_FILE")}
	if a.vaultFile != "" {
		v.Given = sync.OnceValues(func() (string, error) { return a.passwordFrom(a.vaultFile) })
	}
	if a.asks {
		v.Ask = func(ctx context.Context, store string, again bool) (string, error) {
			if a.unattended.Load() {
				return "", passwordUnknown(store)
			}
			if again {
				fmt.Fprintln(a.err, "That is not it.")
			}
			return a.askPassword(ctx, fmt.Sprintf("Password of the vault %q: ", store), "--vault-password-file")
		}
	}
	return v
}

// presentVaultPassword is the password that is to be changed.
func (a *app) presentVaultPassword(ctx context.Context) (secrets.Secret, error) {
	file := a.vaultFile
	if file == "" {
		file = a.getenv("RUSSET_VAULT_PASSWORD_FILE")
	}
	if file != "" {
		p, err := a.passwordFrom(file)
		return secrets.Secret(p), err
	}
	p, err := a.askPassword(ctx, "Present password of the vault: ", "--vault-password-file")
	return secrets.Secret(p), err
}

// whatIsLost is said whenever a password of a vault is set.
const whatIsLost = "Nobody can open a vault whose password is forgotten and whose recovery kit is lost: every backup\n" +
	"in it is gone then. Write the password down, and keep the kit away from this computer."

// newVaultPassword asks twice for a password of a vault. files name the places
// where it may stand instead, in their order.
func (a *app) newVaultPassword(files ...string) func(context.Context) (secrets.Secret, error) {
	return func(ctx context.Context) (secrets.Secret, error) {
		for _, file := range files {
			if file != "" {
				p, err := a.passwordFrom(file)
				return secrets.Secret(p), err
			}
		}
		if a.asks {
			to, done := a.person()
			fmt.Fprintln(to, whatIsLost)
			done()
		}
		for {
			p, err := a.askTwice(ctx)
			if err != nil || p != "" {
				return p, err
			}
		}
	}
}

// askTwice returns "" when the answers are not to be used.
func (a *app) askTwice(ctx context.Context) (secrets.Secret, error) {
	first, err := a.askPassword(ctx, "New password of the vault: ", "--new-password-file")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", usage("", "an empty password protects nothing; nothing was done")
	}
	second, err := a.askPassword(ctx, "The same again: ", "--new-password-file")
	if err != nil {
		return "", err
	}
	if first != second {
		fmt.Fprintln(a.err, "These differ. Once more.")
		return "", nil
	}
	if weak := keys.Weakness(secrets.Secret(first)); weak != "" {
		answer, err := a.question(ctx, "This password is weak: "+weak+".\nUse it all the same? [y/N] ")
		if err != nil || !strings.HasPrefix(strings.ToLower(answer), "y") {
			return "", err
		}
	}
	return secrets.Secret(first), nil
}

// recoveryCode asks for the code of a kit, and says where it was mistyped.
func (a *app) recoveryCode(file string) func(context.Context, error) (secrets.Secret, error) {
	return func(ctx context.Context, wrong error) (secrets.Secret, error) {
		switch {
		case file != "" && wrong != nil:
			return "", wrong
		case file != "":
			code, err := a.passwordFrom(file)
			return secrets.Secret(code), err
		case !a.asks:
			return "", usage("name a file whose first line it is with --code-file (- reads standard input)",
				"the recovery code is needed, and there is no terminal to ask on")
		case wrong != nil:
			fmt.Fprintf(a.err, "%v. Once more.\n", wrong)
		}
		code, err := a.question(ctx, "Recovery code: ") // shown: it is long, and about to be replaced
		return secrets.Secret(code), err
	}
}

// storageCredentials asks for what opens the storage of a vault, unless a file
// or the environment says it.
func (a *app) storageCredentials(file string) func(context.Context, backend.Location) (backend.Credentials, error) {
	return func(ctx context.Context, l backend.Location) (c backend.Credentials, err error) {
		known := false
		if file != "" {
			c, err = host.CredentialsFromFile(file)
			known = true
		} else if l.Kind == backend.S3 {
			c, known = host.CredentialsFromEnvironment(a.getenv)
		}
		switch {
		case err != nil:
			return c, err
		case l.Kind == backend.S3 && !known:
			err = a.askS3(ctx, l, &c)
		case l.Kind == backend.SFTP && !known:
			err = a.askSFTP(ctx, l, &c)
		case l.Kind == backend.WebDAV && !known:
			err = a.askLogin(ctx, l, &c)
		}
		if c.User == "" {
			c.User = l.User
		}
		switch {
		case err != nil:
		case l.Kind == backend.SFTP && c.KnownHosts == "":
			c.KnownHosts, err = a.acceptHost(ctx, l)
		case l.Kind == backend.S3 && l.TLS && c.Certificate == "":
			c.Certificate, err = a.acceptCertificate(ctx, l)
		}
		return c, err
	}
}

// mustAsk is the error of what only a person or a file can say.
func (a *app) mustAsk(l backend.Location) error {
	if a.asks {
		return nil
	}
	hint := "name a file that holds them with --credentials-file"
	if l.Kind == backend.S3 {
		hint += ", or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
	}
	return usage(hint, "what opens the storage on %s is needed, and there is no terminal to ask on", l.Host)
}

func (a *app) askS3(ctx context.Context, l backend.Location, c *backend.Credentials) error {
	if err := a.mustAsk(l); err != nil {
		return err
	}
	key, err := a.question(ctx, fmt.Sprintf("Access key for %s: ", l.Host))
	if err != nil {
		return err
	}
	secret, err := a.askPassword(ctx, "Secret key: ", "--credentials-file")
	c.AccessKey, c.SecretKey = key, secrets.Secret(secret)
	return err
}

// askLogin asks for a name, unless the address says it, and a password.
func (a *app) askLogin(ctx context.Context, l backend.Location, c *backend.Credentials) error {
	if err := a.askUser(ctx, l, c); err != nil {
		return err
	}
	p, err := a.askPassword(ctx, fmt.Sprintf("Password of %q on %s: ", c.User, l.Host), "--credentials-file")
	c.Password = secrets.Secret(p)
	return err
}

func (a *app) askUser(ctx context.Context, l backend.Location, c *backend.Credentials) (err error) {
	if err := a.mustAsk(l); err != nil {
		return err
	}
	if c.User = l.User; c.User == "" {
		c.User, err = a.question(ctx, fmt.Sprintf("User name on %s: ", l.Host))
	}
	return err
}

func (a *app) askSFTP(ctx context.Context, l backend.Location, c *backend.Credentials) error {
	if err := a.askUser(ctx, l, c); err != nil {
		return err
	}
	usual := usualKey(a.getenv("HOME"))
	prompt := "Private key file (empty for a password instead): "
	if usual != "" {
		prompt = fmt.Sprintf("Private key file [%s] (- for a password instead): ", usual)
	}
	file, err := a.question(ctx, prompt)
	if err != nil {
		return err
	}
	if file == "" {
		file = usual
	}
	if file == "" || file == "-" {
		return a.askLogin(ctx, l, c)
	}
	if c.PrivateKey, err = host.PrivateKeyFromFile(file); err != nil {
		return err
	}
	p, err := a.askPassword(ctx, "Passphrase of the key (empty if it has none): ", "--credentials-file")
	c.Passphrase = secrets.Secret(p)
	return err
}

// usualKey is the private key that ssh itself would try first.
func usualKey(home string) string {
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		file := filepath.Join(home, ".ssh", name)
		if info, err := os.Stat(file); home != "" && err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// acceptHost shows the keys of a server that nobody here has seen before.
func (a *app) acceptHost(ctx context.Context, l backend.Location) (string, error) {
	shown, err := backend.HostKeys(ctx, l)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("The server %s shows these keys:\n", l.Host)
	for _, k := range shown {
		text += fmt.Sprintf("  %s %s\n", k.Type, k.Fingerprint)
	}
	err = a.accept(ctx, text+"Are they those that its owner told you? [y/N] ", text+"and nobody said that they are its own",
		"\"knownHostsFile\": \"~/.ssh/known_hosts\"")
	if err != nil {
		return "", err
	}
	return backend.KnownHosts(shown), nil
}

// acceptCertificate shows the certificate of a server that no authority vouches
// for; "" when one does.
func (a *app) acceptCertificate(ctx context.Context, l backend.Location) (string, error) {
	c, err := backend.ServerCertificate(ctx, l)
	if err != nil || c.Vouched {
		return "", err
	}
	text := fmt.Sprintf("The server %s shows a certificate that no authority known here vouches for:\n  SHA-256 %s\n  for %s, until %s\n",
		l.Host, c.Fingerprint, strings.Join(c.Names, ", "), c.NotAfter.Format(time.DateOnly))
	err = a.accept(ctx, text+"Is it the one that its owner told you? [y/N] ", text+"and nobody said that it is its own",
		"\"certificateFile\": \"server.pem\"")
	if err != nil {
		return "", err
	}
	return c.PEM, nil
}

// accept asks whether a server is who it should be. Without a terminal, member
// is what says so in a file of credentials.
func (a *app) accept(ctx context.Context, question, unknown, member string) error {
	if !a.asks {
		return &russet.Error{Kind: russet.Usage, What: unknown, Hint: "name it in the file of --credentials-file: " + member}
	}
	answer, err := a.question(ctx, question)
	if err == nil && !strings.HasPrefix(strings.ToLower(answer), "y") {
		err = usage("ask the owner of the server for its fingerprint", "nothing was done")
	}
	return err
}
