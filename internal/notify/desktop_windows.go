package notify

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The script takes the message from its environment and puts it into the
// document as text: nothing in a name is PowerShell or XML. The notification
// comes under the name of PowerShell, which every Windows knows.
const toastScript = `$ErrorActionPreference = 'Stop'
[void][Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
[void][Windows.Data.Xml.Dom.XmlDocument, Windows.Data.Xml.Dom, ContentType = WindowsRuntime]
$doc = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent([Windows.UI.Notifications.ToastTemplateType]::ToastText02)
$texts = $doc.GetElementsByTagName('text')
[void]$texts.Item(0).AppendChild($doc.CreateTextNode($env:RUSSET_TITLE))
[void]$texts.Item(1).AppendChild($doc.CreateTextNode($env:RUSSET_TEXT))
$app = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($app).Show([Windows.UI.Notifications.ToastNotification]::new($doc))
`

func (t talk) desktop(ctx context.Context, m Message) error {
	program := filepath.Join(os.Getenv("SystemRoot"), `System32\WindowsPowerShell\v1.0\powershell.exe`)
	cmd := exec.CommandContext(ctx, program, "-NoProfile", "-NonInteractive", "-Command", toastScript)
	cmd.SysProcAttr = &syscall.SysProcAttr{HideWindow: true}
	cmd.Env = append(os.Environ(), "RUSSET_TITLE="+variable(cut(m.Title, maxTitle)), "RUSSET_TEXT="+variable(cut(m.Body(), maxBody)))
	return show(ctx, cmd)
}

// variable is a text without the one character a variable cannot hold.
func variable(s string) string { return strings.ReplaceAll(s, "\x00", "") }
