// Command russet backs up iPhones and iPads without Apple's software.
package main

import (
	"os"

	"russet/internal/cli"
)

func main() { os.Exit(cli.Main()) }
