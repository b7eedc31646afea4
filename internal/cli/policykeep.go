package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"russet/internal/host"
	"russet/internal/retention"
)

// keepFlags are the numbers a person may change.
type keepFlags struct {
	latest, daily, weekly, monthly, yearly string
	keepAll                                bool
}

func (f *keepFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.latest, "keep-latest", "", "how many of the newest: `N`")
	flags.StringVar(&f.daily, "keep-daily", "", "the last one of how many days: `N` or all")
	flags.StringVar(&f.weekly, "keep-weekly", "", "the last one of how many weeks: `N` or all")
	flags.StringVar(&f.monthly, "keep-monthly", "", "the last one of how many months: `N` or all")
	flags.StringVar(&f.yearly, "keep-yearly", "", "the last one of how many years: `N` or all")
	flags.BoolVar(&f.keepAll, "keep-all", false, "remove nothing")
}

// named says whether any of the flags was given.
func (f *keepFlags) named() bool {
	return f.keepAll || f.latest+f.daily+f.weekly+f.monthly+f.yearly != ""
}

// change does what the flags say.
func (f *keepFlags) change(ctx context.Context, h *host.Host, scope host.Scope) (host.Policy, error) {
	if f.keepAll && f.latest+f.daily+f.weekly+f.monthly+f.yearly != "" {
		return host.Policy{}, usage("say only one of them", "--keep-all and numbers exclude each other")
	}
	return h.ChangePolicy(ctx, scope, func(p retention.Policy) (retention.Policy, error) {
		if f.keepAll {
			return retention.KeepAll(), nil
		}
		return f.numbers(p)
	})
}

// numbers puts the named numbers into a policy.
func (f *keepFlags) numbers(p retention.Policy) (retention.Policy, error) {
	for _, part := range []struct {
		flag, text string
		to         *int
	}{
		{"keep-latest", f.latest, &p.KeepLatest},
		{"keep-daily", f.daily, &p.KeepDaily},
		{"keep-weekly", f.weekly, &p.KeepWeekly},
		{"keep-monthly", f.monthly, &p.KeepMonthly},
		{"keep-yearly", f.yearly, &p.KeepYearly},
	} {
		if part.text == "" {
			continue
		}
		n, err := parseKeep(part.text)
		if err != nil {
			return p, usage("write a number, or all", "%q is no number for --%s", part.text, part.flag)
		}
		*part.to = n
	}
	if p.All() {
		// The policy without numbers keeps all, which is not what was said.
		return p, usage("name at least one number, or say --keep-all", "with every number 0 nothing would be kept but the newest")
	}
	return p, nil
}

// maxKeep is a number of backups nobody has.
const maxKeep = 100_000

func parseKeep(text string) (int, error) {
	if strings.EqualFold(text, "all") {
		return retention.Every, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < 0 || n > maxKeep) {
		err = strconv.ErrRange
	}
	return n, err
}
