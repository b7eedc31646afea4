package notify

import (
	"context"
	"os/exec"
)

// The script takes the message from its arguments: nothing in a name is
// AppleScript. The first argument is ours, so that none of theirs is taken for
// an option.
const macScript = `on run argv
display notification (item 3 of argv) with title (item 2 of argv)
end run`

func (t talk) desktop(ctx context.Context, m Message) error {
	return show(ctx, exec.CommandContext(ctx, "/usr/bin/osascript", "-e", macScript, "russet", cut(m.Title, maxTitle), cut(m.Body(), maxBody)))
}
